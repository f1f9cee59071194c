"""Read the tables that dbt built: from the DuckDB file, or from the Parquet files of Spark.

The DuckDB file is the database of the pipelines with both engines. With Spark it holds no tables of
dbt. Those are read through views in a DuckDB connection, so that the pages and `run.json` are made
by the same SQL.
"""

import glob
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb

from pipelines import metronome_api, metronome_export
from pipelines.common.database import opened
from pipelines.common.errors import InputError
from pipelines.common.sql import identifier, literal
from pipelines.publish.dbt_run import DbtRun
from pipelines.spark import CURRENT, SPARK_FILES
from pipelines.spark.session import TARGET as SPARK
from pipelines.spark.session import warehouse_folder


class Warehouse(Protocol):
    """The tables that dbt built.

    Attributes:
        engine: Its name in `run.json`.
        packages: The packages whose versions decide what a run builds.
    """

    engine: str
    packages: tuple[str, ...]

    def state(self) -> str:
        """Return a text that changes when tables do without `invalidate_last_published_run`."""

    def raw_state(self, connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
        """Return the state of raw tables whose rows are in files, by source node."""

    def newest_update(self, connection: duckdb.DuckDBPyConnection) -> datetime | None:
        """Return the newest `updated_at` of the export's rows."""

    def opened(self, run: DbtRun) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open a connection that has the raw tables, and those that a run built."""


class DuckDbWarehouse:
    """The DuckDB file itself."""

    engine = "duckdb"
    packages = ("dbt-duckdb", "duckdb")

    def __init__(self, database: Path) -> None:
        self._database = database

    def state(self) -> str:
        """Return nothing: dbt deletes the record of the last published run in the same file."""
        return ""

    def raw_state(self, connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
        """Return nothing more."""
        return {}

    def newest_update(self, connection: duckdb.DuckDBPyConnection) -> datetime | None:
        """Return the newest `updated_at` of all rows."""
        newest = " union all ".join(
            f"select max(updated_at) as updated_at from {metronome_export.DATASET}.{table}"
            for table, hints in metronome_export.TABLES.items()
            if "updated_at" in hints
        )
        ((updated_at,),) = connection.execute(f"select max(updated_at) from ({newest})").fetchall()
        return updated_at

    @contextmanager
    def opened(self, run: DbtRun) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file."""
        with opened(self._database, read_only=True) as connection:
            yield connection


class SparkWarehouse:
    """The Parquet files of Spark's tables in a local folder, beside the DuckDB file."""

    engine = "spark"
    packages = ("dbt-spark", "pyspark", "duckdb")

    def __init__(self, database: Path) -> None:
        self._database = database
        self._folder = warehouse_folder()

    def state(self) -> str:
        """Return a checksum of the names of all files. Spark gives each file a new name."""
        names = sorted(
            file.relative_to(self._folder).as_posix() for file in self._folder.rglob("*.parquet")
        )
        return hashlib.sha256("\n".join(names).encode()).hexdigest()

    def raw_state(self, connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
        """Return a checksum of the files that each table of the export is read from."""
        found = connection.execute(
            f"select table_name, md5(string_agg(concat_ws(' ', path, copy), ';' order by path)) "
            f"from {SPARK_FILES} group by table_name"
        ).fetchall()
        return {
            f"source.metronome.{metronome_export.DATASET}.{table}": [checksum]
            for table, checksum in found
        }

    def newest_update(self, connection: duckdb.DuckDBPyConnection) -> datetime | None:
        """Return the newest `updated_at` that landing found in the files."""
        ((updated_at,),) = connection.execute(
            f"select max(newest_updated_at) from ({CURRENT})"
        ).fetchall()
        return updated_at

    @contextmanager
    def opened(self, run: DbtRun) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a database in memory, with a view per table of the pipelines and of dbt."""
        with opened(self._database, read_only=True) as control, duckdb.connect() as connection:
            raw = control.execute(
                "select schema_name, table_name from duckdb_tables() where schema_name in (?, ?)",
                [metronome_export.DATASET, metronome_api.DATASET],
            ).fetchall()
            connection.execute(f"attach {literal(str(self._database))} as control (read_only)")
            for schema, table in raw:
                _create_view(connection, schema, table, f"control.{schema}.{identifier(table)}")
            for node in run.manifest["nodes"].values():
                if node["resource_type"] in ("model", "seed"):
                    self._create_view(connection, node)
            yield connection

    def _create_view(self, connection: duckdb.DuckDBPyConnection, node: dict[str, Any]) -> None:
        """Create the view of a model's table.

        Skips views, which have no files. Skips tables of Delta and Iceberg, whose folders also have
        files of earlier versions. Only staging has them, which no page reads.
        """
        folder = self._folder / f"{node['schema']}.db" / node["alias"]
        if not node["config"].get("file_format") and any(folder.glob("*.parquet")):
            files = literal(f"{glob.escape(str(folder))}/*.parquet")
            reader = f"read_parquet({files}, hive_partitioning = false)"
            _create_view(connection, node["schema"], node["alias"], reader)
            _comment(connection, node)


def warehouse(command: list[str], database: Path) -> Warehouse:
    """Return the warehouse of the target that a dbt command builds on.

    Raises:
        InputError: If the target is neither `duckdb` nor `spark`.
    """
    target = os.environ.get("DBT_TARGET") or DuckDbWarehouse.engine
    for word, following in zip(command, [*command[1:], ""], strict=True):
        name, _, given = word.partition("=")
        if name in ("--target", "-t"):
            target = given or following
    if target == SPARK:
        return SparkWarehouse(database)
    if target != DuckDbWarehouse.engine:
        raise InputError(f"The publisher cannot use the target {target!r}. Give duckdb or spark.")
    return DuckDbWarehouse(database)


def _create_view(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, relation: str
) -> None:
    connection.execute(f"create schema if not exists {identifier(schema)}")
    view = f"{identifier(schema)}.{identifier(name)}"
    connection.execute(f"create view {view} as select * from {relation}")


def _comment(connection: duckdb.DuckDBPyConnection, node: dict[str, Any]) -> None:
    """Give a view the descriptions that dbt gives to a table of DuckDB."""
    persisted = node["config"].get("persist_docs") or {}
    view = f"{identifier(node['schema'])}.{identifier(node['alias'])}"
    if persisted.get("relation") and node["description"]:
        connection.execute(f"comment on view {view} is {literal(node['description'])}")
    if persisted.get("columns"):
        for column in node["columns"].values():
            if column["description"]:
                connection.execute(
                    f"comment on column {view}.{identifier(column['name'])} "
                    f"is {literal(column['description'])}"
                )
