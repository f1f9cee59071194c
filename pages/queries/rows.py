"""Execute a query of the pages."""

from typing import Any

import duckdb

Row = dict[str, Any]

IN_SCOPE = "{alias}.environment_type is not distinct from arguments.environment_type"
"""Keeps the rows of the run's environment; PRODUCTION and SANDBOX are never mixed."""


def select(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[Row]:
    """Return the rows of a query as dictionaries, in its order."""
    found = connection.execute(sql, values)
    names = [name for name, *_ in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
