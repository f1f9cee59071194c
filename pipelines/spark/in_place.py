"""Read new files of the export once, and note how Spark reads each of them where it is.

The plan of `metronome_export` decides which files count, so both engines have the same rules. A
file that Spark cannot read exactly, such as a CSV, is copied to Parquet through DuckDB.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import dlt
import duckdb

from pipelines.common import sql
from pipelines.common.columns import Hints
from pipelines.metronome_export.drift import BAD_FILE, Note
from pipelines.metronome_export.export_tables import TABLES
from pipelines.metronome_export.files import ExportFile, version
from pipelines.metronome_export.read_plan import Column, Group, ReadPlan
from pipelines.metronome_export.storage import ExportLocation
from pipelines.spark import CURRENT, SPARK_FILES
from pipelines.spark.casts import quoted, value

PLAIN = re.compile(r"([a-z0-9]+://)?[A-Za-z0-9_./=-]+")
"""Paths that are the same in a pattern of Hadoop's, in a URL and in SQL."""

HIDDEN = re.compile(r"(^|/)[_.]")
"""Names that Spark does not list."""


class SparkFiles:
    """Spark, as the engine that reads the export's files. Implements `load_files.InPlace`."""

    kept = frozenset({"customer"})  # the publisher refuses an unknown customer before dbt runs

    def __init__(self, copies: Path) -> None:
        """Put the copies of files below a folder."""
        self.copies = copies
        self.root: str | None = None
        self.there: set[tuple[Any, ...]] = set()

    def readable(self, pipeline: dlt.Pipeline) -> set[str]:
        """Return the loaded files that Spark reads, with the columns that are declared now.

        A file that was gone and is put back is read again: its rows are then those of a new load,
        which an incremental model reads.
        """
        read = _read_by_spark(pipeline)
        return {
            row["path"]
            for row in _current(pipeline)
            if row["declaration"] == declaration(row["table_name"])
            and (read is None or row["path"] in read)
        }

    def read(
        self, location: ExportLocation, folder: str, plans: dict[str, ReadPlan]
    ) -> list[dict[str, Any]]:
        """Read all values of the files, and copy those that Spark cannot read exactly."""
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            return [
                row
                for table, plan in plans.items()
                for (group, columns), (query, _) in zip(plan.groups, plan.queries, strict=True)
                for row in self._rows(connection, location, folder, table, group, columns, query)
            ]

    def compare(
        self, pipeline: dlt.Pipeline, location: ExportLocation, files: list[ExportFile]
    ) -> list[Note]:
        """Remember the files that are there. Note each loaded one that Spark reads and is gone."""
        self.root, self.there = location.root, {file.version for file in files}
        paths = {file.path for file in files}
        reason = "its rows were read where it was, and it is gone: put it back"
        return [
            Note(BAD_FILE, row["table_name"], path=row["path"], message=reason)
            for row in _current(pipeline)
            if row["copy"] is None and row["path"] not in paths
        ]

    def _rows(
        self,
        connection: duckdb.DuckDBPyConnection,
        location: ExportLocation,
        folder: str,
        table: str,
        group: Group,
        columns: list[Column],
        query: str,
    ) -> Iterator[dict[str, Any]]:
        expressions = _expressions(group, columns)
        counts = _counts(connection, columns, query)
        copied = [
            path
            for path in group.relative
            if expressions is None
            or group.folder != folder
            or not is_plain(location.root, path)
            or counts.get(path, (0, None, False))[2]
        ]
        copy = self._copy(connection, table, query, copied) if copied else None
        for path in group.relative:
            rows, newest, _ = counts.get(path, (0, None, False))
            yield {
                "path": path,
                "table_name": table,
                "copy": copy if path in copied else None,
                "columns": json.dumps(
                    {name: quoted(name) for name in [*(c.name for c in columns), "_file"]}
                    if path in copied
                    else expressions
                ),
                "declaration": declaration(table),
                "rows": rows,
                "newest_updated_at": newest,
            }

    def _copy(
        self, connection: duckdb.DuckDBPyConnection, table: str, query: str, paths: list[str]
    ) -> str:
        """Copy the rows of some files to one Parquet file. Return its path below the folder."""
        name = f"{table}/{uuid4().hex}.parquet"
        file = self.copies / name
        file.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"COPY (SELECT * FROM ({query}) WHERE _file IN (SELECT UNNEST(?))) "
            f"TO {sql.literal(str(file))} (FORMAT parquet)",
            [paths],
        )
        return name


def version_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return the version of the file of a row of `CURRENT`, as `ExportFile.version` has it."""
    return version(row["path"], row["size_bytes"], row["modified_at"], row["etag"])


def is_plain(root: str, path: str) -> bool:
    """Return whether Spark can be given a file's path as it is."""
    return bool(PLAIN.fullmatch(f"{root}/{path}")) and not HIDDEN.search(path)


def declaration(table: str) -> str:
    """Return a checksum of the columns that a table is declared with."""
    hints: Hints = TABLES.get(table, {})
    return hashlib.sha256(json.dumps(hints).encode()).hexdigest()


def _current(pipeline: dlt.Pipeline) -> list[dict[str, Any]]:
    """Return the rows of `file_reads` of the newest version of each file. Empty before a load."""
    if "file_reads" not in pipeline.default_schema.tables:
        return []
    with pipeline.sql_client() as client, client.execute_query(CURRENT) as found:
        return sql.rows_of(found)


def _read_by_spark(pipeline: dlt.Pipeline) -> set[str] | None:
    """Return the files that Spark's views read. None before a landing."""
    schema, table = SPARK_FILES.split(".")
    there = (
        "select 1 from duckdb_tables() where database_name = current_database() "
        f"and schema_name = '{schema}' and table_name = '{table}'"
    )
    with pipeline.sql_client() as client:
        with client.execute_query(there) as found:
            if not found.fetchall():
                return None
        with client.execute_query(f"select path from {SPARK_FILES}") as found:
            return {path for (path,) in found.fetchall()}


def _expressions(group: Group, columns: list[Column]) -> dict[str, str] | None:
    """Return Spark's expression for each column that the files fill. None if Spark has none."""
    if group.is_csv:
        return None
    found = {
        column.name: value(column.source, group.types[column.source], column.data_type)
        for column in columns
        if column.source and group.types[column.source].name != "NULL"
    }
    return None if None in found.values() else found  # type: ignore[return-value]


def _counts(
    connection: duckdb.DuckDBPyConnection, columns: list[Column], query: str
) -> dict[str, tuple[int, Any, bool]]:
    """Read all values of some files. Damage shows here, not in Spark.

    Returns:
        By path: the number of rows, the newest `updated_at`, and whether a column of JSON may have
        come as something else, which the query turns into a JSON string. A file without rows is
        missing.
    """
    texts = [
        f"JSON_TYPE({sql.identifier(column.name)}) = 'VARCHAR'"
        for column in columns
        if column.source and column.data_type == "json"
    ]
    is_text = f"COALESCE(BOOL_OR({' OR '.join(texts or ['FALSE'])}), FALSE)"
    newest = "updated_at" if any(column.name == "updated_at" for column in columns) else "NULL"
    found = connection.execute(
        f"SELECT _file, COUNT(*), MAX({newest}), {is_text}, MAX(HASH(COLUMNS(*))) "
        f"FROM ({query}) GROUP BY _file"
    ).fetchall()
    return {path: (rows, at, is_text) for path, rows, at, is_text, *_ in found}
