"""Query a pipeline's database."""

from typing import Any

import dlt


def query(pipeline: dlt.Pipeline, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query. Tables of the pipeline's dataset need no schema in it."""
    with pipeline.sql_client() as client:
        return list(client.execute_sql(sql) or [])
