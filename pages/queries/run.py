"""Read the arguments of the run, and the reports and their columns."""

import duckdb

from pages.queries.rows import Row, select
from pipelines.common.sql import identifier


def in_utc(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a cursor in UTC that leaves the settings of the caller's connection alone."""
    cursor = connection.cursor()
    cursor.execute("set timezone = 'UTC'")
    return cursor


def parameters(connection: duckdb.DuckDBPyConnection) -> Row:
    """Return the run's arguments with their defaults: one row."""
    return select(
        connection,
        """
        select
            as_of,
            environment_type as environment,
            billing_month as month,
            usage_from_date as usage_from,
            usage_to_date as usage_to,
            customer,
            customer_id
        from marts.report_parameters
        """,
    )[0]


def reports(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the reports and their descriptions, in alphabetical order."""
    return select(
        connection,
        """
        select view_name as model, substr(view_name, 5) as name, comment as description
        from duckdb_views()
        where
            database_name = current_database()
            and schema_name = 'reports' and starts_with(view_name, 'rpt_')
        order by view_name
        """,
    )


def report_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """Return the columns of each report with types and descriptions, by model."""
    rows = select(
        connection,
        """
        select table_name as model, column_name as name, data_type, comment as description
        from duckdb_columns()
        where
            database_name = current_database()
            and schema_name = 'reports' and starts_with(table_name, 'rpt_')
        order by table_name, column_index
        """,
    )
    columns: dict[str, list[Row]] = {}
    for row in rows:
        columns.setdefault(row["model"], []).append(row)
    return columns


def report_rows(
    connection: duckdb.DuckDBPyConnection, model: str, limit: int
) -> tuple[list[Row], int]:
    """Return the first rows of a report, ordered by its columns, and how many rows it has."""
    relation = f"reports.{identifier(model)}"
    rows = select(connection, f"select * from {relation} order by all limit ?", limit)
    if len(rows) < limit:
        return rows, len(rows)
    return rows, select(connection, f"select count(*) as rows from {relation}")[0]["rows"]


def descriptions(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Return the description of every column of a mart or report, by table and column."""
    rows = select(
        connection,
        """
        select table_name, column_name, comment
        from duckdb_columns()
        where
            database_name = current_database()
            and schema_name in ('marts', 'reports') and comment is not null
        """,
    )
    return {(row["table_name"], row["column_name"]): row["comment"] for row in rows}
