"""The notes of a load: where its files differ from what is declared, and what it left out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.common.errors import printable

MISSING = "missing column"
DOUBLE = "double column"
BAD_FILE = "bad file"
UNKNOWN_FILE = "unknown file"
STOPPED = "stopped"
COMPLETE = "complete"
LEFT_OUT = (BAD_FILE, UNKNOWN_FILE, STOPPED)
"""The kinds of notes that make a run incomplete."""

SHOWN = 5
"""How many files are named; the table `load_notes` names all."""


@dataclass(frozen=True)
class Note:
    """One row of `load_notes`.

    Attributes:
        kind: `unknown table` and `unknown column` are loaded, as text or JSON. `missing column` is
            in none of the table's files in the load, and null. `double column` holds amounts that
            came as binary numbers, whose type is the message. `set aside` is a column that is not
            loaded since its name is taken. Nothing is loaded of a `bad file`, of an `unknown file`,
            or of a table that is `stopped`. `complete` marks a run that left nothing out, after
            one that did.
        path: A file where it shows, relative to the export's root.
        message: For what was left out, the reason.
    """

    kind: str
    table_name: str | None = None
    column_name: str | None = None
    path: str | None = None
    message: str | None = None


def told(notes: Iterable[Note]) -> Iterator[str]:
    """Return the lines that show the notes of a run to a person, at most one per kind."""
    by_kind: dict[str, list[Note]] = defaultdict(list)
    for note in dict.fromkeys(notes):
        by_kind[note.kind].append(note)
    tables = sorted({str(note.table_name) for note in by_kind["unknown table"]})
    if tables:
        yield f"export: tables we don't know, landed as text: {', '.join(tables)}"
    if unknown := _columns(by_kind["unknown column"]):
        yield f"export: columns we don't know, landed as text: {unknown}"
    if missing := _columns(by_kind[MISSING]):
        yield f"export: columns that no new file has, null: {missing}"
    if doubles := _columns(by_kind[DOUBLE]):
        yield f"export: amounts that came as doubles, exact to 12 digits: {doubles}"
    if set_aside := by_kind["set aside"]:
        named = (repr(note.column_name or note.path) for note in set_aside)
        yield f"export: set aside for their names: {_some(named)}"
    if bad := by_kind[BAD_FILE]:
        yield f"export: set aside as bad: {_some(map(_path, bad))}"
    if files := by_kind[UNKNOWN_FILE]:
        yield f"export: files we don't know, not loaded: {len(files)}: {_some(map(_path, files))}"
    if stopped := sorted({str(note.table_name) for note in by_kind[STOPPED]}):
        yield f"export: stopped, their new files are not loaded: {', '.join(stopped)}"


def left_out(notes: Iterable[Note]) -> str | None:
    """Return what a run left out and why, in sentences; None if it was complete."""
    notes = [note for note in dict.fromkeys(notes) if note.kind in LEFT_OUT]
    if not notes:
        return None
    files = [
        f"{_path(note)}: {note.message}."
        for kind in (BAD_FILE, UNKNOWN_FILE)
        for note in notes
        if note.kind == kind
    ]
    stopped = [f"{n.table_name} was stopped: {n.message}." for n in notes if n.kind == STOPPED]
    more = [f"And {len(files) - SHOWN} more."] if len(files) > SHOWN else []
    return " ".join(["Not all of the export is loaded.", *files[:SHOWN], *more, *stopped])


def _path(note: Note) -> str:
    """Return a path as one line, whatever characters it has."""
    return printable(str(note.path)).replace("\n", "�")


def _some(names: Iterable[str]) -> str:
    named = list(names)
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return f"{', '.join(named[:SHOWN])}{more}"


def _columns(notes: Iterable[Note]) -> str:
    by_table: dict[str, set[str]] = defaultdict(set)
    for note in notes:
        by_table[str(note.table_name)].add(str(note.column_name))
    return "; ".join(
        f"{table} ({', '.join(sorted(columns))})" for table, columns in sorted(by_table.items())
    )
