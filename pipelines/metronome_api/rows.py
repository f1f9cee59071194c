"""From the API's objects to the rows of the raw tables: nested lists go to tables of their own."""

from collections.abc import Iterable, Iterator

from pipelines.errors import InputError
from pipelines.metronome_api.endpoints import Endpoint, Nested, Row


def by_table(parent: Endpoint | Nested, rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Split objects into tables; their nested lists are taken out of them.

    Yields:
        The name of each table that the objects fill, with its rows.

    Raises:
        InputError: If there is something else where a nested list belongs, or its parent lacks
            what its rows repeat.
    """
    yield parent.table, rows
    for nested in parent.nested:
        yield from by_table(nested, [child for row in rows for child in _take(row, nested)])


def _take(parent: Row, nested: Nested) -> Iterable[Row]:
    """Take a nested list out of its parent; each row gets its parent's keys and its place."""
    *way, last = nested.path.split(".")
    holder: Row = parent
    for key in way:
        holder = holder.get(key) or {}
        if not isinstance(holder, dict):
            raise _misplaced(nested)
    rows = holder.pop(last, None) or []
    if not isinstance(rows, list):
        raise _misplaced(nested)
    for position, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or any(key not in parent for key in nested.keys.values()):
            raise _misplaced(nested)
        keys = {column: parent[key] for column, key in nested.keys.items()}
        yield {**row, **keys, nested.position: position}


def _misplaced(nested: Nested) -> InputError:
    return InputError(
        f"The API answered with something else than a list of objects in {nested.path!r}, or "
        f"without the id of what it is in: the table {nested.table} cannot be filled from it."
    )
