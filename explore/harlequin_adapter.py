"""Adapt Harlequin's DuckDB adapter: results are harmless to the terminal.

Harlequin writes control characters of a result to the terminal, and the name of a customer can have
them. This is the Harlequin plugin `metronome`.
"""

from typing import Any

from harlequin_duckdb import DuckDbAdapter
from harlequin_duckdb.adapter import DuckDbConnection, DuckDbCursor

from explore.terminal import inert
from pipelines.common.errors import printable


class Cursor(DuckDbCursor):
    """The result of a query."""

    def columns(self) -> list[tuple[str, str]]:
        """Return the name and the short type of each column."""
        return [(printable(name), kind) for name, kind in super().columns()]

    def fetchall(self) -> Any:
        """Return the rows as an Arrow table, or None if the query was cancelled."""
        table = super().fetchall()
        return None if table is None else inert(table)


class Connection(DuckDbConnection):
    """A connection whose results are harmless to the terminal."""

    def execute(self, query: str) -> Cursor | None:
        """Run a query and return its result, or None for a statement without one."""
        cursor = super().execute(query)
        return None if cursor is None else Cursor(self, cursor.relation)


class Adapter(DuckDbAdapter):
    """The adapter, with the options of Harlequin's DuckDB adapter."""

    def connect(self) -> Connection:
        """Open the databases of the command line."""
        connection = super().connect()
        return Connection(connection.conn, connection.init_message)
