"""What a load notes where files differ from what is declared, and how a person is told."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.errors import printable

MISSING = "missing column"
BAD_FILE = "bad file"
STOPPED = "stopped"
COMPLETE = "complete"
LEFT_OUT = (BAD_FILE, STOPPED)
"""The kinds of notes that make a run incomplete."""

SHOWN = 5
"""How many files are named; the table `load_notes` names all."""


@dataclass(frozen=True)
class Note:
    """One row of `load_notes`.

    Attributes:
        kind: `unknown table` and `unknown column` are landed, as text or JSON; `missing column`:
            none of the table's files in the load has it, it is null; `set aside`: left out, since
            its name cannot be one; `bad file`: nothing of the file was loaded; `stopped`: nothing
            of the table; `complete`: the run left nothing out, though the one before it did.
        path: A file where it shows, relative to the export's root.
        message: For what was left out, the reason.
    """

    kind: str
    table_name: str | None = None
    column_name: str | None = None
    path: str | None = None
    message: str | None = None


def told(notes: Iterable[Note]) -> Iterator[str]:
    """The notes of a run for a person, in at most one line per kind."""
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
    if set_aside := by_kind["set aside"]:
        named = (repr(note.column_name or note.path) for note in set_aside)
        yield f"export: set aside for their names: {_some(named)}"
    if bad := by_kind[BAD_FILE]:
        yield f"export: set aside as bad: {_some(map(_path, bad))}"
    if stopped := sorted({str(note.table_name) for note in by_kind[STOPPED]}):
        yield f"export: stopped, their new files are not loaded: {', '.join(stopped)}"


def left_out(notes: Iterable[Note]) -> str | None:
    """What a run left out and why, in sentences; None if it was complete."""
    notes = [note for note in dict.fromkeys(notes) if note.kind in LEFT_OUT]
    if not notes:
        return None
    bad = [f"{_path(note)}: {note.message}." for note in notes if note.kind == BAD_FILE]
    stopped = [f"{n.table_name} was stopped: {n.message}." for n in notes if n.kind == STOPPED]
    more = [f"And {len(bad) - SHOWN} more."] if len(bad) > SHOWN else []
    return " ".join(["Not all of the export is loaded.", *bad[:SHOWN], *more, *stopped])


def _path(note: Note) -> str:
    """Of one line, whatever it is."""
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
