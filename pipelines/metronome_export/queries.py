"""Say in SQL how DuckDB reads the files of one table, and look first whether it can.

No row passes through Python: each query is executed by the destination itself, as dlt's ``model``
load format, and selects straight from the files. Files with the same columns are read by one query.
Read in one query, columns of two types would become one: next to a double, a decimal loses digits.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from dlt.common.schema.typing import TColumnSchema

from pipelines.columns import Hints
from pipelines.metronome_export.casts import WHAT, cast, is_nested, null
from pipelines.metronome_export.csv_files import BadFileError, header
from pipelines.metronome_export.drift import MISSING, Note
from pipelines.metronome_export.files import ExportFile
from pipelines.metronome_export.tables import PROVENANCE, TABLES

FILE = '"path of the file"'
"""The column in which DuckDB says where a row is from: a name that no file has a column of."""

# no hive_partitioning: a folder `id=7` above the export would replace the column `id`
COMMON = "filename = 'path of the file', hive_partitioning = false"
PARQUET = f"read_parquet({{files}}, {COMMON})"
# no sniffer: it would turn amounts into doubles, and take rows that start with # for comments
CSV = (
    "read_csv({files}, columns = {columns}, auto_detect = false, header = true, delim = ',', "
    f"quote = '\"', escape = '\"', {COMMON})"
)

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
        bad: The paths of files that they do not read, and why.
    """

    queries: list[tuple[str, Hints]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Group:
    """Files that are read by one query: what DuckDB reads them with, and its types by column."""

    paths: list[str]
    reader: str
    types: dict[str, str]


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
        TableError: If a value would be lost.
        duckdb.Error: If a file cannot be read: `unreadable` tells which.
    """
    result = Plan()
    missing = set(hints)
    noted: set[str] = set()
    for group in _groups(connection, folder, files, result.bad):
        if wrong := wrong_table(table, group.types):
            result.bad |= {_relative(path, folder): wrong for path in group.paths}
            continue
        columns, left_out = _columns(group.types, hints, held, normalized)
        _check(connection, group, columns, folder)
        added: dict[str, TColumnSchema] = {
            column.name: {"name": column.name, "data_type": column.data_type, "nullable": True}
            for column in columns
            if column.name not in hints
        }
        result.queries.append((_select(group, columns, folder), added))
        held = {**held, **added}
        missing -= {column.name for column in columns if column.source}
        first = _relative(group.paths[0], folder)
        if hints:
            for name in sorted(added.keys() - noted):
                result.notes.append(Note("unknown column", table, name, first))
        for name in left_out:
            result.notes.append(Note("set aside", table, name, first, "the column's name is taken"))
        noted |= added.keys()
    if result.queries:
        result.notes += [Note(MISSING, table, name) for name in hints if name in missing]
    return result


def unreadable(folder: str, files: Iterable[ExportFile]) -> dict[str, str]:
    """The paths of files that cannot be read, and why: each is read alone, to its last row."""
    bad: dict[str, str] = {}
    for file in files:
        # a connection of its own: some errors are the end of one
        with duckdb.connect() as connection:
            try:
                for group in _groups(connection, folder, [file], bad):
                    connection.execute(f"SELECT SUM(HASH(COLUMNS(*))) FROM {group.reader}")
            except duckdb.Error as error:
                bad[file.path] = _of_parquet(error) if file.layout == "parquet" else _of_csv(error)
    return bad


def _of_parquet(error: duckdb.Error) -> str:
    text = str(error)
    if "magic bytes" in text or "too small" in text:
        return "it is no Parquet file, or is cut off"
    return f"it is damaged: {text.splitlines()[0]}"


def _of_csv(error: duckdb.Error) -> str:
    """What DuckDB says, but not how to be less strict, nor the row, which may hold anything."""
    text = str(error)
    line = re.search(r"on Line: (\d+)", text)
    if line and "Invalid unicode" in text:
        return f"line {line[1]} is not UTF-8"
    known = r"Expected Number of Columns.*|Value with unterminated quote|Maximum line size.*?bytes"
    if line and (what := re.search(known, text)):
        return f"line {line[1]}: {what[0]}"
    if "state machine reached an invalid state" in text:
        return "it is no CSV file, or its lines do not all end alike"
    return f"it cannot be read: {text.splitlines()[0]}"


def _groups(
    connection: duckdb.DuckDBPyConnection,
    folder: str,
    files: Iterable[ExportFile],
    bad: dict[str, str],
) -> Iterator[_Group]:
    """Files with the same columns; CSV files one by one. What is bad is put to the bad ones."""
    parquet: list[str] = []
    csv: dict[str, list[str]] = {}
    for file in files:
        path = f"{folder}/{file.path}"
        try:
            if not Path(path).is_file():
                raise BadFileError("it is not there any more, or is no file")
            if file.layout == "parquet":
                parquet.append(path)
            else:
                csv[path] = header(path)
        except BadFileError as error:
            bad[file.path] = str(error)
    if parquet:
        query = SCHEMAS.format(files=_literals(parquet))
        for (paths,) in connection.execute(query).fetchall():
            reader = PARQUET.format(files=_literals(paths))
            described = f"DESCRIBE SELECT * EXCLUDE ({FILE}) FROM {reader}"
            types = {name: kind for name, kind, *_ in connection.execute(described).fetchall()}
            yield _Group(paths, reader, types)
    for path, names in csv.items():
        columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
        reader = CSV.format(files=_literals([path]), columns=f"{{{columns}}}")
        yield _Group([path], reader, dict.fromkeys(names, "VARCHAR"))


def wrong_table(table: str, types: Iterable[str]) -> str | None:
    """Why a file is none of its table's, by the names of its columns.

    No older or newer layout of the table is mistaken: a column that the table does not have is no
    reason, unless most columns of another table are there, and more of them than of this one.
    """
    if table not in TABLES:
        return None
    names = {name.lower() for name in types}
    shared = {other: len(names & columns.keys()) for other, columns in TABLES.items()}
    best = max(shared, key=shared.__getitem__)
    if not shared[table]:
        return f"it has no column of the table {table}"
    strange = len(names) - shared[table]
    mostly_there = 2 * shared[best] > len(TABLES[best])
    if mostly_there and shared[best] > shared[table] and 3 * strange >= len(names):
        return f"its columns are those of the table {best}, not of {table}"
    return None


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
    connection: duckdb.DuckDBPyConnection, group: _Group, columns: list[_Column], folder: str
) -> None:
    """Stop the table if a value would be lost: one reading of the columns where that can be."""
    doubtful: list[tuple[_Column, str, str]] = []
    for column in columns:
        if column.source:
            quoted = _quoted(column.source)
            loses = cast(quoted, group.types[column.source], column.data_type).loses
            if loses:
                doubtful.append((column, quoted, f"{quoted} IS NOT NULL AND ({loses})"))
    if not doubtful:
        return
    which = " ".join(f"WHEN {loses} THEN {place}" for place, (*_, loses) in enumerate(doubtful))
    what = " ".join(f"WHEN {loses} THEN CAST({name} AS VARCHAR)" for _, name, loses in doubtful)
    lost = connection.execute(
        f"SELECT {FILE}, CASE {which} END, CASE {what} END FROM {group.reader} "
        f"WHERE {' OR '.join(loses for *_, loses in doubtful)} LIMIT 1"
    )
    for path, place, value in lost.fetchall():
        column = doubtful[place][0]
        raise TableError(
            f"{column.name} is {value!r}, {WHAT[column.data_type]}, in {path}",
            _relative(path, folder),
            column.name,
        )


def _select(group: _Group, columns: list[_Column], folder: str) -> str:
    values = [f"{_value(column, group.types)} AS {_quoted(column.name)}" for column in columns]
    values.append(f'SUBSTRING({FILE}, {len(folder) + 2}) AS "_file"')
    values.append(
        f"TRY_STRPTIME(REGEXP_EXTRACT({FILE}, '_([0-9]{{14}})[.]parquet$', 1), "
        "'%Y%m%d%H%M%S') AT TIME ZONE 'UTC' AS \"_transferred_at\""
    )
    return f"SELECT {', '.join(values)} FROM {group.reader}"


def _value(column: _Column, types: dict[str, str]) -> str:
    if column.source is None:
        return null(column.data_type)
    return cast(_quoted(column.source), types[column.source], column.data_type).value


def _relative(path: str, folder: str) -> str:
    return path[len(folder) + 1 :]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _literals(paths: Sequence[str]) -> str:
    """A list of paths in SQL; what DuckDB would take for a pattern is put in brackets."""
    return "[" + ", ".join(_text(re.sub(r"[*?[]", r"[\g<0>]", path)) for path in paths) + "]"
