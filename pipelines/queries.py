"""What a pipeline's database says."""

from typing import Any

import dlt


def query(pipeline: dlt.Pipeline, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query, in which the tables of the pipeline's dataset need no schema."""
    with pipeline.sql_client() as client:
        return list(client.execute_sql(sql) or [])
