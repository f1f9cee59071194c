"""Build the tables and views through which Spark reads raw data.

A table has the rows of a DuckDB table. A view has the rows in the files of the export.

A view lists the files whose rows count. A file that arrives while Spark reads is part of the next
landing.
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines import metronome_api, metronome_export
from pipelines.common import sql
from pipelines.common.database import has_table
from pipelines.metronome_export.read_plan import transferred_at
from pipelines.spark import CURRENT
from pipelines.spark.casts import TYPES, literal, quoted
from pipelines.spark.in_place import SparkFiles, version_of

EXPORT, API = metronome_export.DATASET, metronome_api.DATASET
OF_FILE = {
    "_file": "found._file",
    "_transferred_at": "loads.transferred_at",
    "_dlt_load_id": "loads.load_id",
}
"""The columns of an export table that state its file and its load, with their expressions."""

Columns = dict[str, str]
"""The columns of a raw table in order, with their types in DuckDB."""


@dataclass(frozen=True)
class RawTable:
    """A table or view of Spark with the schema and the name of a raw table.

    Attributes:
        schema: Its schema.
        name: Its name.
        definition: What follows the name in the statement that creates it.
        kind: table or view.
    """

    schema: str
    name: str
    definition: str
    kind: str = "view"

    @property
    def statement(self) -> str:
        """Return the statement that creates the view."""
        return f"create {self.kind} {self.schema}.{quoted(self.name)} {self.definition}"


def raw_tables(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Columns]:
    """Return the raw tables of the database by schema and name."""
    found: dict[tuple[str, str], Columns] = defaultdict(dict)
    for schema, table, column, data_type in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and schema_name in (?, ?) "
        "order by schema_name, table_name, column_index",
        [EXPORT, API],
    ).fetchall():
        found[schema, table][column] = data_type
    return found


def unload(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, columns: Columns, folder: Path
) -> RawTable:
    """Write a table as a Parquet file below a folder, and return the table that reads it."""
    place = folder / f"{schema}.{table}"
    selected = ", ".join(
        # as text: Parquet's own type for JSON is another one
        f"cast({sql.identifier(name)} as varchar) as {sql.identifier(name)}"
        if data_type == "JSON"
        else sql.identifier(name)
        for name, data_type in columns.items()
    )
    query = f"select {selected} from {schema}.{sql.identifier(table)}"
    _write(connection, query, place / "rows.parquet")
    types = ", ".join(f"{quoted(name)} {TYPES[of]}" for name, of in columns.items())
    return RawTable(
        schema, table, f"({types}) using parquet location {literal(str(place))}", "table"
    )


def file_views(
    connection: duckdb.DuckDBPyConnection,
    tables: dict[str, Columns],
    rows: list[dict[str, Any]],
    export: SparkFiles,
    folder: Path,
) -> list[RawTable]:
    """Build the views of the export's tables whose rows are in files.

    Args:
        connection: The database.
        tables: The tables.
        rows: How their files are read, as `counting_files` returns them.
        export: The export of this run.
        folder: Where a file goes that names the load of each file.
    """
    root = export.root or (rows[0]["root"] if rows else "")
    loads = folder / "file_reads.parquet"
    if rows:
        query = (
            "select path, copy, _dlt_load_id as load_id, "
            f"{transferred_at('path')} as transferred_at from ({CURRENT})"
        )
        _write(connection, query, loads)
    groups: dict[str, dict[tuple[str, bool], set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        key = row["columns"], row["copy"] is not None
        groups[row["table_name"]][key].add(row["copy"] or row["path"])
    found = []
    for table, columns in tables.items():
        selects = [
            _select(
                columns, json.loads(expressions), str(export.copies) if is_copy else root, names
            )
            for (expressions, is_copy), names in sorted(groups[table].items())
        ]
        found.append(RawTable(EXPORT, table, f"as {_joined(columns, selects, loads)}"))
    return found


def counting_files(
    connection: duckdb.DuckDBPyConnection, export: SparkFiles
) -> list[dict[str, Any]]:
    """Return how the files are read whose rows count: copies, and files that are still there."""
    if not has_table(connection, EXPORT, "file_reads"):
        return []
    return [
        row
        for row in sql.rows_of(connection.execute(CURRENT))
        if row["copy"] or export.root is None or version_of(row) in export.there
    ]


def record_files(
    connection: duckdb.DuckDBPyConnection, files: list[tuple[str, str, str | None]]
) -> None:
    """Record the files that the views read, for the publisher: table, path and copy."""
    _record(connection, "spark_files", ["table_name", "path", "copy"], files)


def record_tables(connection: duckdb.DuckDBPyConnection, tables: list[RawTable]) -> None:
    """Record the statements that created Spark's tables, so that the next landing can keep them."""
    rows = [(table.schema, table.name, table.statement) for table in tables]
    _record(connection, "spark_tables", ["schema_name", "table_name", "statement"], rows)


def created_before(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Return the recorded statements by schema and table."""
    if not has_table(connection, "publishing", "spark_tables"):
        return {}
    found = connection.execute("select * from publishing.spark_tables").fetchall()
    return {(schema, table): statement for schema, table, statement in found}


def _record(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: list[str],
    rows: list[tuple[Any, ...]],
) -> None:
    types = ", ".join(f"{column} varchar" for column in columns)
    connection.execute("create schema if not exists publishing")
    connection.execute(f"create or replace table publishing.{name} ({types})")
    if rows:
        marks = ", ".join("?" for _ in columns)
        connection.executemany(f"insert into publishing.{name} values ({marks})", rows)


def _select(columns: Columns, expressions: dict[str, str], folder: str, names: set[str]) -> str:
    """Select the declared columns from files with the same columns, and what names the file."""
    selected = [
        f"{expressions.get(name) or f'cast(null as {TYPES[data_type]})'} as {quoted(name)}"
        for name, data_type in columns.items()
        if name not in OF_FILE
    ]
    address = "_metadata.file_path"
    if "_file" in expressions:
        selected += ["_file", f"substring_index({address}, '/', -2) as _copy"]
    else:
        below = f"instr({address}, {literal(f'{folder}/')}) + {len(folder) + 1}"
        selected += [f"substr({address}, {below}) as _file", "cast(null as string) as _copy"]
    return f"select {', '.join(selected)} from {_parquet(folder, sorted(names))}"


def _joined(columns: Columns, selects: list[str], loads: Path) -> str:
    """Join the rows of files with the loads of the files. Select nothing if there are no files."""
    if not selects:
        nulls = [f"cast(null as {TYPES[of]}) as {quoted(name)}" for name, of in columns.items()]
        return f"select {', '.join(nulls)} where false"
    selected = [
        f"{OF_FILE.get(name) or f'found.{quoted(name)}'} as {quoted(name)}" for name in columns
    ]
    return (
        f"select {', '.join(selected)} from ({' union all '.join(selects)}) as found "
        f"inner join {_parquet(loads.parent, [loads.name])} as loads "
        "on found._file = loads.path and found._copy <=> loads.copy"
    )


def _parquet(folder: str | Path, names: list[str]) -> str:
    """Return files below a folder as a relation."""
    names = [re.sub(r"[\\*?\[\]{}]", r"\\\g<0>", name) for name in (str(folder), *names)]
    folder, *files = names
    pattern = f"{folder}/{files[0] if len(files) == 1 else '{' + ','.join(files) + '}'}"
    return f"parquet.{quoted(pattern)}"


def _write(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    """Write the rows of a query as a Parquet file, which is replaced in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    connection.execute(f"copy ({query}) to {sql.literal(str(new))} (format parquet)")
    new.replace(file)
