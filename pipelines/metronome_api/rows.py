"""Split the API's objects into rows of the raw tables. Nested lists get separate tables.

dlt's normalizer does this too, but its child tables do not have the parents' keys or the names of
Metronome's documentation.
"""

from collections.abc import Iterable, Iterator

from pipelines.common.errors import InputError
from pipelines.metronome_api.endpoints import Endpoint, Nested, Row


def by_table(parent: Endpoint | Nested, rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Split objects into tables. Removes the nested lists from the objects.

    Yields:
        The name of each table that the objects fill, with its rows.

    Raises:
        InputError: If a nested list is not a list of objects, or its parent lacks a key that its
            rows repeat.
    """
    yield parent.table, rows
    for nested in parent.nested:
        yield from by_table(nested, [child for row in rows for child in _take(row, nested)])


def _take(parent: Row, nested: Nested) -> Iterable[Row]:
    """Remove a nested list. Yield its rows with the parent's keys and their positions."""
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
        f"The API did not return a list of objects in {nested.path!r}, or its parent has no id. "
        f"The table {nested.table} cannot be loaded."
    )
