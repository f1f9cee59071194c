"""Land both sources for Spark: load them, then register every raw table as a view of Spark."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines import load
from pipelines.common.database import lock_file, opened
from pipelines.common.locks import held
from pipelines.common.log import LogLine
from pipelines.common.settings import database_file
from pipelines.metronome_export.export_tables import OWN_TABLES
from pipelines.spark import data_folder
from pipelines.spark.casts import quoted
from pipelines.spark.in_place import SparkFiles
from pipelines.spark.session import check_java, session, warehouse_folder
from pipelines.spark.views import (
    EXPORT,
    RawTable,
    counting_files,
    created_before,
    file_views,
    raw_tables,
    record_files,
    record_tables,
    unload,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COPIES, UNLOADED = "copies", "unloaded"
"""Folders of copies of the export's files, and of tables that the DuckDB file has."""

THREADS = 4
"""How many tables Spark creates at a time. For each, it reads the columns of the files."""


def land(full_refresh: bool = False) -> Iterator[str]:
    """Load the configured sources, and register what is loaded.

    The rows of the export stay in its files. Those of the API are loaded into the DuckDB file, and
    copied from there.

    Yields:
        A line to print after each step.

    Raises:
        InputError: As `load.run` does, or if Spark cannot start.
    """
    check_java()
    names = load.configured()
    export = SparkFiles(data_folder() / COPIES)
    incomplete = None
    try:
        yield from load.run(names, full_refresh=full_refresh, in_place=export)
    except load.IncompleteError as error:  # what is loaded counts all the same
        incomplete = error
    yield _register(export)
    if incomplete:
        raise incomplete


def _register(export: SparkFiles) -> LogLine:
    database, unloaded = database_file(), data_folder() / UNLOADED
    with held(lock_file(database), str(database)), opened(database) as connection:
        connection.execute("set timezone = 'UTC'")
        tables = raw_tables(connection)
        in_files = {
            name: columns
            for (schema, name), columns in tables.items()
            if schema == EXPORT and not name.startswith("_dlt") and name not in OWN_TABLES
        }
        files = counting_files(connection, export)
        found = [
            *file_views(connection, in_files, files, export, unloaded),
            *(
                unload(connection, schema, name, columns, unloaded)
                for (schema, name), columns in tables.items()
                if schema != EXPORT or name not in {*in_files, "file_reads"}
            ),
        ]
        spark = session()
        new = create_tables(spark, connection, found)
        record_files(connection, [(row["table_name"], row["path"], row["copy"]) for row in files])
        _remove_unused_copies(connection, export.copies)
        remove_half_tables(spark, warehouse_folder())
    return LogLine(
        f"spark: {len(found)} raw tables, {new} of them new or changed",
        step="spark",
        tables=len(found),
        new_tables=new,
    )


def create_tables(
    spark: "SparkSession", connection: duckdb.DuckDBPyConnection, tables: list[RawTable]
) -> int:
    """Create new and changed tables, and drop those that are gone. Return how many are new."""
    known = created_before(connection)
    there: dict[tuple[str, str], str] = {}
    for schema in sorted({table.schema for table in tables}):
        spark.sql(f"create schema if not exists {schema}")
        for kind, column in (("table", "tableName"), ("view", "viewName")):
            shown = spark.sql(f"show {kind}s in {schema}").where("not isTemporary")
            found = shown.select(column).collect()
            there |= {(schema, name): kind for (name,) in found}
    kept = {
        (table.schema, table.name)
        for table in tables
        if (key := (table.schema, table.name)) in there and known.get(key) == table.statement
    }
    for (schema, name), kind in there.items():
        if (schema, name) not in kept:
            spark.sql(f"drop {kind} {schema}.{quoted(name)}")
    new = [table.statement for table in tables if (table.schema, table.name) not in kept]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(spark.sql, new))
    record_tables(connection, tables)
    return len(new)


def remove_half_tables(spark: "SparkSession", warehouse: Path) -> None:
    """Remove the folders of tables that a killed build did not finish. Spark would refuse them."""
    for folder in warehouse.glob("*.db/*"):
        schema = folder.parent.name.removesuffix(".db")
        if not spark.catalog.tableExists(f"{quoted(schema)}.{quoted(folder.name)}"):
            shutil.rmtree(folder)


def _remove_unused_copies(connection: duckdb.DuckDBPyConnection, copies: Path) -> None:
    """Remove copies that no loaded file has."""
    if copies.exists():
        used = connection.execute(f"select distinct copy from {EXPORT}.file_reads").fetchall()
        for file in copies.rglob("*.parquet"):
            if (file.relative_to(copies).as_posix(),) not in used:
                file.unlink()
