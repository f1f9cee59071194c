"""Plan the SQL with which DuckDB reads the files of one table. Refuses values that would be lost.

In the pipeline the destination executes each query, as dlt's ``model`` load format, so no row
passes through Python. The dlt source executes it and yields Arrow tables. One query reads all files
with the same columns. Files with other columns have separate queries, because a union of a double
and a decimal would lose digits.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from dlt.common.schema.typing import TColumnSchema
from pyarrow import ArrowException
from pyarrow.parquet import ParquetFile

from pipelines.common.columns import Hints
from pipelines.common.sql import identifier, literal
from pipelines.metronome_export.arrow_copies import copy_through_arrow
from pipelines.metronome_export.casts import DOUBLES, REMEDY, WHAT, cast, null
from pipelines.metronome_export.csv_files import BadFileError, check_names, csv_format, line_of
from pipelines.metronome_export.drift import DOUBLE, MISSING, Note
from pipelines.metronome_export.export_tables import PROVENANCE, TABLES
from pipelines.metronome_export.files import ExportFile
from pipelines.metronome_export.parquet_types import (
    TEXT,
    Element,
    FileType,
    file_types,
)

FILE = '"path of the file"'
"""The column in which DuckDB returns the path of a row's file. No file has such a column."""

# no hive_partitioning, because a folder `id=7` above the export would replace the column `id`
COMMON = "filename = 'path of the file', hive_partitioning = false"
PARQUET = f"read_parquet({{files}}, {COMMON})"
# no sniffer, because it would read amounts as doubles and rows that start with # as comments
CSV = (
    "read_csv({files}, columns = {columns}, auto_detect = false, header = true, delim = {delim}, "
    f"quote = '\"', escape = '\"', compression = '{{compression}}', {COMMON})"
)

SHOWN = 200
"""The most characters of a value in a message."""

SCHEMAS = """
select list(file_name order by file_name), any_value(columns)
from (
    select
        file_name,
        list(
            (
                name, type, type_length, num_children, converted_type, scale, precision,
                logical_type, duckdb_type, repetition_type
            )
            order by column_id
        ) filter (where column_id > 0) as columns
    from parquet_schema({files})
    group by file_name
)
group by columns
order by min(file_name)
"""
"""Query that groups Parquet files by their columns. It reads only their footers."""


class TableError(Exception):
    """A table cannot be loaded without the loss of a value."""

    def __init__(self, message: str, path: str | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.column = column


@dataclass
class ReadPlan:
    """The plan to load the files of one table.

    Attributes:
        queries: SELECTs, each with the hints of its undeclared columns.
        groups: For each query, its files and its columns.
        notes: Differences between the files and their declaration.
        bad: Paths of files that no query reads, each with the reason.
        unknown: Paths of files whose columns are those of another table, each with the reason.
        doubles: Paths of files with amounts that are stored as binary numbers.
    """

    queries: list[tuple[str, Hints]] = field(default_factory=list)
    groups: list[tuple["Group", list["Column"]]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    doubles: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Group:
    """Files that one query reads.

    Attributes:
        folder: The folder of the paths: that of the export, or of copies of its files.
        paths: The files, absolute.
        reader: The DuckDB table function that reads them.
        types: The types of their columns, by name.
    """

    folder: str
    paths: list[str]
    reader: str
    types: dict[str, FileType]

    @property
    def relative(self) -> list[str]:
        """Return the paths relative to the export."""
        return [_relative(path, self.folder) for path in self.paths]

    @property
    def is_csv(self) -> bool:
        """Return whether the files are CSV."""
        return self.reader.startswith("read_csv")


@dataclass(frozen=True)
class Column:
    """A column of the raw table: the file's column that fills it, if any, and its type."""

    name: str
    source: str | None
    data_type: str


def read_plan(
    connection: duckdb.DuckDBPyConnection,
    folder: str,
    table: str,
    files: Sequence[ExportFile],
    hints: Hints,
    held: Hints,
    normalized: Callable[[str], str],
    copies: str,
) -> ReadPlan:
    """Plan how the files of one table are read.

    Each query selects every declared column, or null if the files do not have it. It keeps other
    columns as text or JSON. Rows are checked only in columns whose type in the file does not prove
    that every value fits.

    Args:
        connection: The connection that reads the files, with the time zone UTC.
        folder: The local folder that the files' paths are relative to.
        table: The table's name.
        files: Its files.
        hints: Its declared columns. Empty for an undeclared table.
        held: The columns that the raw table already has. Their types do not change.
        normalized: Returns the name of a raw column for a name in a file.
        copies: A local folder for copies of files that DuckDB cannot read exactly. It must stay
            until the queries have run.

    Raises:
        TableError: If a value would be lost.
        duckdb.Error: If a file cannot be read: `unreadable` finds which.
    """
    result = ReadPlan()
    missing = set(hints)
    noted: set[str] = set()
    for group in _groups(connection, folder, files, result.bad, copies):
        if wrong := wrong_table(table, group.types):
            result.bad |= dict.fromkeys(group.relative, wrong)
            continue
        # a folder of Metronome's layout identifies the table; the name of a flat file can be wrong
        is_flat = not any("/" in path for path in group.relative)
        if table not in TABLES and is_flat and (likely := likely_table(group.types)):
            reason = f"its columns are those of the table {likely}: name it {likely} (1).csv"
            result.unknown |= dict.fromkeys(group.relative, reason)
            continue
        columns, left_out = _columns(group.types, hints, held, normalized)
        _check(connection, group, columns, folder)
        _note_doubles(connection, table, group, columns, result)
        added: dict[str, TColumnSchema] = {
            column.name: {"name": column.name, "data_type": column.data_type, "nullable": True}
            for column in columns
            if column.name not in hints
        }
        result.queries.append((_select(group, columns), added))
        result.groups.append((group, columns))
        held = {**held, **added}
        missing -= {column.name for column in columns if column.source}
        first = group.relative[0]
        if hints:
            for name in sorted(added.keys() - noted):
                result.notes.append(Note("unknown column", table, name, first))
        for name in left_out:
            reason = "the column's name is reserved or another column has it"
            result.notes.append(Note("set aside", table, name, first, reason))
        noted |= added.keys()
    if result.queries:
        result.notes += [Note(MISSING, table, name) for name in hints if name in missing]
    return result


def unreadable(folder: str, files: Iterable[ExportFile]) -> dict[str, str]:
    """Return the paths of files that cannot be read, with the reasons.

    Reads each file alone, to its last row.
    """
    bad: dict[str, str] = {}
    for file in files:
        # a separate connection, because some errors end it
        with duckdb.connect() as connection:
            try:
                for group in _groups(connection, folder, [file], bad, None):
                    connection.execute(f"SELECT SUM(HASH(COLUMNS(*))) FROM {group.reader}")
            except duckdb.Error as error:
                path = f"{folder}/{file.path}"
                is_csv = file.layout == "csv"
                bad[file.path] = _of_csv(error) if is_csv else _of_parquet(error, path)
    return bad


def _of_parquet(error: duckdb.Error, path: str) -> str:
    """Return why a Parquet file cannot be read."""
    text = str(error)
    if "magic bytes" in text or "too small" in text:
        return "it is not a Parquet file, or is cut off"
    if "Unsupported converted type" in text:
        with ParquetFile(path) as file:
            bson = [column.path for column in file.schema if column.converted_type == "BSON"]
        return f"its columns {', '.join(bson)} are BSON, which is not read: write them as text"
    return f"it is damaged: {text.splitlines()[0]}"


def _of_csv(error: duckdb.Error) -> str:
    """Return DuckDB's error, without its advice to be less strict and without the row."""
    text = str(error)
    line = re.search(r"on Line: (\d+)", text)
    if line and "Invalid unicode" in text:
        return f"line {line[1]} is not UTF-8"
    known = r"Expected Number of Columns.*|Value with unterminated quote|Maximum line size.*?bytes"
    if line and (what := re.search(known, text)):
        return f"line {line[1]}: {what[0]}"
    if "state machine reached an invalid state" in text:
        return "it is not a CSV file, or its lines end in different ways"
    return f"it cannot be read: {text.splitlines()[0]}"


def _groups(
    connection: duckdb.DuckDBPyConnection,
    folder: str,
    files: Iterable[ExportFile],
    bad: dict[str, str],
    copies: str | None,
) -> Iterator[Group]:
    """Group Parquet files by their columns. Each CSV file is a group. Adds bad files to `bad`."""
    parquet: list[str] = []
    for file in files:
        path = f"{folder}/{file.path}"
        try:
            if not Path(path).is_file():
                raise BadFileError("it no longer exists, or is not a file")
            if file.layout == "parquet":
                parquet.append(path)
            else:
                yield _csv_group(folder, file.table, path)
        except BadFileError as error:
            bad[file.path] = str(error)
    yield from _parquet_groups(connection, folder, parquet, bad, copies)


def _csv_group(folder: str, table: str, path: str) -> Group:
    found = csv_format(path, TABLES.get(table, {}))
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in found.names)
    reader = CSV.format(
        files=_literals([path]),
        columns=f"{{{columns}}}",
        delim=literal(found.delimiter),
        compression=found.compression,
    )
    return Group(folder, [path], reader, dict.fromkeys(found.names, TEXT))


def _parquet_groups(
    connection: duckdb.DuckDBPyConnection,
    folder: str,
    files: list[str],
    bad: dict[str, str],
    copies: str | None,
) -> Iterator[Group]:
    if not files:
        return
    to_copy: list[str] = []
    for paths, elements in connection.execute(SCHEMAS.format(files=_literals(files))).fetchall():
        columns = file_types([Element(*element) for element in elements])
        try:
            check_names([name for name, _ in columns])
        except BadFileError as error:
            bad |= dict.fromkeys((_relative(path, folder) for path in paths), str(error))
            continue
        if copies and any(of.through_arrow for _, of in columns):
            to_copy += paths
        else:
            yield Group(folder, paths, PARQUET.format(files=_literals(paths)), dict(columns))
    copied = []
    for path in to_copy:
        name = _relative(path, folder)
        try:
            copy_through_arrow(path, f"{copies}/{name}")
        except BadFileError as error:
            bad[name] = str(error)
        except (ArrowException, OSError) as error:
            bad[name] = f"it is damaged: {error}"
        else:
            copied.append(f"{copies}/{name}")
    if copies and copied:
        yield from _parquet_groups(connection, copies, copied, bad, None)


def wrong_table(table: str, types: Iterable[str]) -> str | None:
    """Return why the columns of a file are not those of its table, or None.

    An older or newer layout of the table is accepted. A file is refused only if it has most columns
    of another table, and more columns of that table than of its own.
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


def likely_table(types: Iterable[str]) -> str | None:
    """Return the declared table that fits the columns of an undeclared table's file, if any.

    A table fits if the file has most of its columns, and if they are most columns of the file.
    """
    names = {name.lower() for name in types}
    shared = {table: len(names & columns.keys()) for table, columns in TABLES.items()}
    best = max(shared, key=lambda table: (shared[table], -len(TABLES[table])))
    mostly_there = 2 * shared[best] > len(TABLES[best]) and 2 * shared[best] > len(names)
    return best if mostly_there else None


def _columns(
    types: dict[str, FileType], hints: Hints, held: Hints, normalized: Callable[[str], str]
) -> tuple[list[Column], list[str]]:
    """Return the columns of the raw table that a file fills, and the columns left out."""
    found = {name.lower(): name for name in types}
    columns = {name: Column(name, found.get(name), hints[name]["data_type"]) for name in hints}
    left_out = []
    for source, file_type in types.items():
        if source.lower() in hints:
            continue
        name = normalized(source)
        if name in columns or name in PROVENANCE or name.startswith("_dlt"):
            left_out.append(source)
            continue
        kept = held.get(name, {}).get("data_type")
        columns[name] = Column(name, source, kept or ("json" if file_type.is_nested else "text"))
    return list(columns.values()), left_out


def _check(
    connection: duckdb.DuckDBPyConnection, group: Group, columns: list[Column], folder: str
) -> None:
    """Stop the table if a value would be lost. Reads the columns where that is possible once."""
    doubtful: list[tuple[Column, str, str]] = []
    for column in columns:
        if column.source:
            quoted = identifier(column.source)
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
        column, _, loses = doubtful[place]
        relative = _relative(path, group.folder)
        shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
        raise TableError(
            f"{column.name} is {shown!r}, which is {WHAT[column.data_type]}, "
            f"in {folder}/{relative}. "
            + _what_to_do(connection, group, column, path, value, loses),
            relative,
            column.name,
        )


def _what_to_do(
    connection: duckdb.DuckDBPyConnection,
    group: Group,
    column: Column,
    path: str,
    value: str,
    loses: str,
) -> str:
    """Return the position of a value in its file, and how to write it."""
    source = str(column.source)
    if group.is_csv:
        line = line_of(path, source, value)
        return f"It is in line {line}: correct it there" if line else "Correct it there"
    reader = f"read_parquet({_literals([path])}, file_row_number = true)"
    ((row,),) = connection.execute(
        f"SELECT MIN(file_row_number) + 1 FROM {reader} WHERE {loses}"
    ).fetchall()
    stated = group.types[source].stated
    return f"It is in row {row}, as {stated}: write {REMEDY[column.data_type]}"


def _note_doubles(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    group: Group,
    columns: list[Column],
    result: ReadPlan,
) -> None:
    """Note amounts that are stored as binary numbers. They are exact to some digits only."""
    doubles = [
        column
        for column in columns
        if column.source
        and column.data_type == "decimal"
        and group.types[column.source].name in DOUBLES
    ]
    if not doubles:
        return
    counts = ", ".join(f"COUNT({identifier(str(column.source))})" for column in doubles)
    by_file = connection.execute(f"SELECT {FILE}, {counts} FROM {group.reader} GROUP BY 1")
    found = [(_relative(path, group.folder), numbers) for path, *numbers in by_file.fetchall()]
    result.doubles |= {path for path, numbers in found if any(numbers)}
    for place, column in enumerate(doubles):
        if paths := [path for path, numbers in found if numbers[place]]:
            stated = group.types[str(column.source)].stated
            result.notes.append(Note(DOUBLE, table, column.name, min(paths), stated))


def _select(group: Group, columns: list[Column]) -> str:
    values = [f"{_value(column, group.types)} AS {identifier(column.name)}" for column in columns]
    values.append(f'SUBSTRING({FILE}, {len(group.folder) + 2}) AS "_file"')
    values.append(f'{transferred_at(FILE)} AS "_transferred_at"')
    select = f"SELECT {', '.join(values)} FROM {group.reader}"
    if group.is_csv:
        # a spreadsheet saves cleared rows as commas only
        cells = ", ".join(identifier(name) for name in group.types)
        select += f" WHERE COALESCE({cells}) IS NOT NULL"
    return select


def transferred_at(path: str) -> str:
    """Return the start of a file's transfer, which its name states, in SQL."""
    stamp = f"REGEXP_EXTRACT({path}, '_([0-9]{{14}})[^0-9/][^/]*$', 1)"
    return f"TRY_STRPTIME({stamp}, '%Y%m%d%H%M%S') AT TIME ZONE 'UTC'"


def _value(column: Column, types: dict[str, FileType]) -> str:
    if column.source is None:
        return null(column.data_type)
    return cast(identifier(column.source), types[column.source], column.data_type).value


def _relative(path: str, folder: str) -> str:
    return path[len(folder) + 1 :]


def _literals(paths: Sequence[str]) -> str:
    """Return a list of paths in SQL, with the characters of glob patterns escaped."""
    return "[" + ", ".join(literal(re.sub(r"[*?[]", r"[\g<0>]", path)) for path in paths) + "]"
