"""What a load notes where files differ from what is declared, and how a person is told."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MISSING = "missing column"
SHOWN = 5
"""How many files that were set aside are named; the table `load_notes` names all."""


@dataclass(frozen=True)
class Note:
    """One row of `load_notes`.

    Attributes:
        kind: `unknown table` and `unknown column` are landed, as text or JSON; `missing column`:
            none of the table's files in the load has it, it is null; `set aside`: left out, since
            its name cannot be one; `stopped`: nothing of the table was loaded.
        path: A file where it shows, relative to the export's root.
        message: For `set aside` and `stopped`, the reason.
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
        named = [repr(note.column_name or note.path) for note in set_aside[:SHOWN]]
        more = f" and {len(set_aside) - SHOWN} more" if len(set_aside) > SHOWN else ""
        yield f"export: set aside for their names: {', '.join(named)}{more}"
    if stopped := sorted({str(note.table_name) for note in by_kind["stopped"]}):
        yield f"export: stopped, their new files are not loaded: {', '.join(stopped)}"


def _columns(notes: Iterable[Note]) -> str:
    by_table: dict[str, set[str]] = defaultdict(set)
    for note in notes:
        by_table[str(note.table_name)].add(str(note.column_name))
    return "; ".join(
        f"{table} ({', '.join(sorted(columns))})" for table, columns in sorted(by_table.items())
    )
