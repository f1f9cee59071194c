"""Write the notes of a load: differences between files and declaration, and what was left out."""

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
"""Kinds of notes that make a run incomplete."""

SHOWN = 5
"""The most files in a message. The table `load_notes` has all."""


@dataclass(frozen=True)
class Note:
    """One row of `load_notes`.

    Attributes:
        kind: The kind of note. An `unknown table` or `unknown column` is loaded as text or JSON. A
            `missing column` is in none of the table's new files, and is null in their rows. A
            `double column` has amounts that are stored as binary numbers, and the message is their
            type. A `set aside` column is not loaded, because its name is reserved or another column
            has it. A `bad file` and an `unknown file` are not loaded. A `stopped` table gets no new
            rows. `complete`: the run left nothing out, and the run before it left something out.
        path: A file with the difference, relative to the export's root.
        message: The reason why the file or table was left out.
    """

    kind: str
    table_name: str | None = None
    column_name: str | None = None
    path: str | None = None
    message: str | None = None


def lines(notes: Iterable[Note]) -> Iterator[str]:
    """Yield lines to print about the notes of a run, at most one per kind."""
    by_kind: dict[str, list[Note]] = defaultdict(list)
    for note in dict.fromkeys(notes):
        by_kind[note.kind].append(note)
    tables = sorted({str(note.table_name) for note in by_kind["unknown table"]})
    if tables:
        yield f"export: undeclared tables, loaded as text: {', '.join(tables)}"
    if unknown := _columns(by_kind["unknown column"]):
        yield f"export: undeclared columns, loaded as text: {unknown}"
    if missing := _columns(by_kind[MISSING]):
        yield f"export: declared columns that are in no new file, loaded as null: {missing}"
    if doubles := _columns(by_kind[DOUBLE]):
        yield f"export: amounts stored as doubles, exact to 12 digits: {doubles}"
    if set_aside := by_kind["set aside"]:
        named = (repr(note.column_name or note.path) for note in set_aside)
        reason = "their name is reserved or another column has it"
        yield f"export: columns not loaded, because {reason}: {_some(named)}"
    if bad := by_kind[BAD_FILE]:
        yield f"export: bad files, not loaded: {_some(map(_path, bad))}"
    if files := by_kind[UNKNOWN_FILE]:
        yield f"export: unknown files, not loaded: {len(files)}: {_some(map(_path, files))}"
    if stopped := sorted({str(note.table_name) for note in by_kind[STOPPED]}):
        yield f"export: stopped tables, whose new files are not loaded: {', '.join(stopped)}"


def left_out(notes: Iterable[Note]) -> str | None:
    """Return sentences about what a run left out and why. None if it was complete."""
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
    """Return a path as one printable line."""
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
