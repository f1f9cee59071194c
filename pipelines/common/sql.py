"""Quote names and texts for DuckDB's SQL, and read the rows of a query by name."""

from typing import Any


def identifier(name: str) -> str:
    """Return a name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def rows_of(cursor: Any) -> list[dict[str, Any]]:
    """Return the rows of a cursor as dictionaries, in its order."""
    names = [name for name, *_ in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
