"""From the API's objects to the rows of the raw tables: nested lists go to tables of their own."""

from collections.abc import Iterable, Iterator

from pipelines.metronome_api.endpoints import Endpoint, Nested, Row


def by_table(parent: Endpoint | Nested, rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Split objects into tables; their nested lists are taken out of them.

    Yields:
        The name of each table that the objects fill, with its rows.
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
    for position, row in enumerate(holder.pop(last, None) or [], start=1):
        keys = {column: parent[key] for column, key in nested.keys.items()}
        yield {**row, **keys, nested.position: position}
