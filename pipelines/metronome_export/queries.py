"""Say in SQL how DuckDB reads the files of one table, and look first whether it can.

No row passes through Python: each query is executed by the destination itself, as dlt's ``model``
load format, and selects straight from the files. Files with the same columns are read by one query.
Read in one query, columns of two types would become one: next to a double, a decimal loses digits.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
from dlt.common.schema.typing import TColumnSchema

from pipelines.columns import Hints
from pipelines.metronome_export.casts import WHAT, cast, is_nested, null
from pipelines.metronome_export.drift import MISSING, Note
from pipelines.metronome_export.files import ExportFile
from pipelines.metronome_export.tables import PROVENANCE

FILE = '"path of the file"'
"""The column in which DuckDB says where a row is from: a name that no file has a column of."""

# no hive_partitioning: a folder `id=7` above the export would replace the column `id`
COMMON = f"filename = {FILE.replace(chr(34), chr(39))}, hive_partitioning = false"
READERS = {
    "parquet": f"read_parquet({{files}}, {COMMON})",
    # all_varchar: the sniffer would turn amounts into doubles; comment and skip: it would take a
    # row that starts with # for a comment, and rows above one of another width for a title
    "csv": "read_csv({files}, all_varchar = true, header = true, delim = ',', quote = '\"', "
    f"escape = '\"', comment = '', skip = 0, {COMMON})",
}

SCHEMAS = """
select list(file_name order by file_name)
from (
    select
        file_name,
        list(
            (name, type, converted_type, logical_type, precision, scale, num_children)
            order by column_id
        ) filter (where column_id > 0) as columns
    from parquet_schema({files})
    group by file_name
)
group by columns
order by min(file_name)
"""
"""Parquet files with the same columns, from their footers alone."""


class TableError(Exception):
    """A table of which nothing can be loaded without losing data."""

    def __init__(self, message: str, path: str | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.column = column


@dataclass
class Plan:
    """How the files of one table are loaded.

    Attributes:
        queries: SELECTs, each with the hints of the columns that it adds to the declared ones.
        notes: Where the files differ from what is declared.
    """

    queries: list[tuple[str, Hints]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True)
class _Column:
    """A column of the raw table: the file's column that fills it, if any, and its type."""

    name: str
    source: str | None
    data_type: str


def plan(
    connection: duckdb.DuckDBPyConnection,
    folder: str,
    table: str,
    files: Sequence[ExportFile],
    hints: Hints,
    held: Hints,
    normalized: Callable[[str], str],
) -> Plan:
    """Say how the files of one table are read, having looked at what could be lost.

    Every declared column is selected, null where a file does not have it; a column that is not
    declared is kept, as text or JSON. Rows are looked at only in columns whose type in the files
    does not tell that every value fits.

    Args:
        connection: What reads the files, its time zone being UTC.
        folder: The local folder that the files' paths are relative to.
        table: The table's name.
        files: Its files.
        hints: Its declared columns; none if it is a table we don't know.
        held: The columns that the raw table has already, whose types stay.
        normalized: Gives the name of a raw column for a name in a file.

    Raises:
        TableError: If a file cannot be read, or a value would be lost.
    """
    result = Plan()
    missing = set(hints)
    noted: set[str] = set()
    for layout, paths in _alike(connection, folder, files):
        types = _types(connection, layout, paths[0])
        columns, left_out = _columns(types, hints, held, normalized)
        reader = READERS[layout].format(files=_literals(paths))
        _check(connection, reader, columns, types, folder)
        added: dict[str, TColumnSchema] = {
            column.name: {"name": column.name, "data_type": column.data_type, "nullable": True}
            for column in columns
            if column.name not in hints
        }
        result.queries.append((_select(reader, columns, types, folder), added))
        held = {**held, **added}
        missing -= {column.name for column in columns if column.source}
        first = _relative(paths[0], folder)
        if hints:
            for name in sorted(added.keys() - noted):
                result.notes.append(Note("unknown column", table, name, first))
        for name in left_out:
            result.notes.append(Note("set aside", table, name, first, "the column's name is taken"))
        noted |= added.keys()
    result.notes += [Note(MISSING, table, name) for name in hints if name in missing]
    return result


def _alike(
    connection: duckdb.DuckDBPyConnection, folder: str, files: Iterable[ExportFile]
) -> Iterator[tuple[str, list[str]]]:
    """Full paths of files with the same columns, by layout; CSV files are read one by one."""
    paths: dict[str, list[str]] = {"parquet": [], "csv": []}
    for file in files:
        paths[file.layout].append(f"{folder}/{file.path}")
    if paths["parquet"]:
        query = SCHEMAS.format(files=_literals(paths["parquet"]))
        for (group,) in _fetch(connection, query):
            yield "parquet", group
    for path in paths["csv"]:
        yield "csv", [path]


def _types(connection: duckdb.DuckDBPyConnection, layout: str, path: str) -> dict[str, str]:
    """DuckDB's types of a file's columns, by name."""
    reader = READERS[layout].format(files=_literals([path]))
    described = _fetch(connection, f"DESCRIBE SELECT * EXCLUDE ({FILE}) FROM {reader}")
    return {name: data_type for name, data_type, *_ in described}


def _columns(
    types: dict[str, str], hints: Hints, held: Hints, normalized: Callable[[str], str]
) -> tuple[list[_Column], list[str]]:
    """The raw table's columns that a file fills, and the file's columns that are left out."""
    found = {name.lower(): name for name in types}
    columns = {name: _Column(name, found.get(name), hints[name]["data_type"]) for name in hints}
    left_out = []
    for source, data_type in types.items():
        if source.lower() in hints:
            continue
        name = normalized(source)
        if name in columns or name in PROVENANCE or name.startswith("_dlt"):
            left_out.append(source)
            continue
        kept = held.get(name, {}).get("data_type")
        columns[name] = _Column(name, source, kept or ("json" if is_nested(data_type) else "text"))
    return list(columns.values()), left_out


def _check(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    columns: list[_Column],
    types: dict[str, str],
    folder: str,
) -> None:
    """Stop the table if a value would be lost: one reading of the columns where that can be."""
    doubtful: list[tuple[_Column, str, str]] = []
    for column in columns:
        if column.source:
            quoted = _quoted(column.source)
            loses = cast(quoted, types[column.source], column.data_type).loses
            if loses:
                doubtful.append((column, quoted, f"{quoted} IS NOT NULL AND ({loses})"))
    if not doubtful:
        return
    which = " ".join(f"WHEN {loses} THEN {place}" for place, (*_, loses) in enumerate(doubtful))
    what = " ".join(f"WHEN {loses} THEN CAST({name} AS VARCHAR)" for _, name, loses in doubtful)
    lost = _fetch(
        connection,
        f"SELECT {FILE}, CASE {which} END, CASE {what} END FROM {reader} "
        f"WHERE {' OR '.join(loses for *_, loses in doubtful)} LIMIT 1",
    )
    for path, place, value in lost:
        column = doubtful[place][0]
        raise TableError(
            f"{column.name} is {value!r}, {WHAT[column.data_type]}, in {path}",
            _relative(path, folder),
            column.name,
        )


def _select(reader: str, columns: list[_Column], types: dict[str, str], folder: str) -> str:
    values = [f"{_value(column, types)} AS {_quoted(column.name)}" for column in columns]
    values.append(f'SUBSTRING({FILE}, {len(folder) + 2}) AS "_file"')
    values.append(
        f"TRY_STRPTIME(REGEXP_EXTRACT({FILE}, '_([0-9]{{14}})[.]parquet$', 1), "
        "'%Y%m%d%H%M%S') AT TIME ZONE 'UTC' AS \"_transferred_at\""
    )
    return f"SELECT {', '.join(values)} FROM {reader}"


def _value(column: _Column, types: dict[str, str]) -> str:
    if column.source is None:
        return null(column.data_type)
    return cast(_quoted(column.source), types[column.source], column.data_type).value


def _fetch(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise TableError(f"a file cannot be read: {error}") from error


def _relative(path: str, folder: str) -> str:
    return path[len(folder) + 1 :]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literals(paths: Sequence[str]) -> str:
    """A list of paths in SQL; what DuckDB would take for a pattern is put in brackets."""
    plain = (re.sub(r"[*?[]", r"[\g<0>]", path).replace("'", "''") for path in paths)
    return "[" + ", ".join(f"'{path}'" for path in plain) + "]"
