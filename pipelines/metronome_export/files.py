"""Find the files of an export, and say in SQL how DuckDB reads them.

No row passes through Python: each query is executed by the destination itself, as dlt's ``model``
load format, and selects straight from the files.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import fsspec

from pipelines.columns import AMOUNT_PRECISION, AMOUNT_SCALE, Hints
from pipelines.errors import InputError
from pipelines.metronome_export.tables import TABLES

LAYOUTS = {
    "parquet": re.compile(
        r"(?:^|/)(?P<table>[^/]+)/dt=\d{4}-\d{2}-\d{2}/[^/]+\.parquet$"
    ),  # <table>/dt=<date>/<part>_<YYYYMMDDHHmmss>.parquet
    "csv": re.compile(r"^(?:[^/]* - )?(?P<table>[^/ ]+)\.csv$"),  # <anything> - <table>.csv
}
"""Where the files of a table lie, and how they are named."""

AMOUNT = f"DECIMAL({AMOUNT_PRECISION}, {AMOUNT_SCALE})"
READERS = {
    # no hive_partitioning: a folder `id=7` above the export would replace the column `id`
    "parquet": "read_parquet({files}, union_by_name = true, filename = true, "
    "hive_partitioning = false)",
    # all_varchar: the sniffer would turn amounts into doubles; comment and skip: it would take a
    # row that starts with # for a comment, and rows above one of another width for a title
    "csv": "read_csv({files}, all_varchar = true, header = true, delim = ',', quote = '\"', "
    "escape = '\"', comment = '', skip = 0, union_by_name = true, filename = true, "
    "hive_partitioning = false)",
}


@dataclass(frozen=True)
class ExportFile:
    """One file of an export. `path` is relative to the root; `table` may be one we don't know."""

    path: str
    table: str
    layout: str
    size_bytes: int
    modified_at: datetime

    @property
    def version(self) -> tuple[str, int, datetime]:
        """What tells a file that was loaded from one that is new or has changed."""
        return self.path, self.size_bytes, self.modified_at


def list_files(bucket_url: str) -> tuple[str, list[ExportFile]]:
    """List the files of an export in either layout, in the order of their paths.

    Returns:
        The root folder, and its files.

    Raises:
        InputError: If there is no such folder, or no file in it that looks like an export.
    """
    filesystem, root = fsspec.core.url_to_fs(bucket_url)
    if not filesystem.isdir(root):
        raise InputError(f"There is no folder {bucket_url!r}: give the export's own folder.")
    found = []
    for full_path, info in sorted(filesystem.find(root, detail=True).items()):
        path = full_path.removeprefix(root).lstrip("/")
        for layout, pattern in LAYOUTS.items():
            if match := pattern.search(path):
                modified_at = datetime.fromtimestamp(info["mtime"], UTC)
                found.append(ExportFile(path, match["table"], layout, info["size"], modified_at))
    if not any(file.table in TABLES for file in found):
        raise InputError(
            f"There is no table of an export in {bucket_url!r}. Expected "
            "<table>/dt=<date>/<part>_<time>.parquet, or <table>.csv or <any name> - <table>.csv; "
            f"tables are {', '.join(TABLES)}."
        )
    return root, found


def queries(root: str, files: Iterable[ExportFile], hints: Hints) -> Iterable[tuple[str, Hints]]:
    """Say how DuckDB reads the files of one table: one query per layout and set of columns.

    Read in one query, columns of two types become one: next to a double, a decimal loses digits.
    Every declared column is selected, null where no file has it; a column that is not declared is
    kept, as text or JSON.

    Yields:
        A SELECT, and the hints of the columns that it adds to the declared ones.

    Raises:
        InputError: If DuckDB cannot read a file; its message names the file.
    """
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    with duckdb.connect() as connection:
        for file in files:
            path = f"{root}/{file.path}"
            columns = _describe(connection, file.layout, path)
            groups.setdefault((file.layout, columns), []).append(path)
    for (layout, columns), paths in groups.items():
        reader = READERS[layout].format(files=_literals(paths))
        types = dict(columns)
        added: Hints = {
            name: {"name": name, "data_type": _undeclared_type(types[name]), "nullable": True}
            for name in types
            if name.lower() not in hints
        }
        found = {name.lower(): name for name in types}
        selected = [
            f'{_expression(found.get(name.lower()), types, hint["data_type"])} AS "{name}"'
            for name, hint in {**hints, **added}.items()
        ]
        selected.append(f'SUBSTRING("filename", {len(root) + 2}) AS "_file"')
        selected.append(
            "TRY_STRPTIME(REGEXP_EXTRACT(\"filename\", '_([0-9]{14})[.]parquet$', 1), "
            "'%Y%m%d%H%M%S') AT TIME ZONE 'UTC' AS \"_transferred_at\""
        )
        yield f"SELECT {', '.join(selected)} FROM {reader}", added


def _describe(
    connection: duckdb.DuckDBPyConnection, layout: str, path: str
) -> tuple[tuple[str, str], ...]:
    """Column names and DuckDB types of a file, without reading its rows."""
    reader = READERS[layout].format(files=_literals([path]))
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    except duckdb.Error as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return tuple((name, data_type) for name, data_type, *_ in rows if name != "filename")


def _undeclared_type(duckdb_type: str) -> str:
    return "json" if duckdb_type.startswith(("STRUCT", "MAP")) or "[" in duckdb_type else "text"


def _expression(name: str | None, types: dict[str, str], data_type: str) -> str:
    """The SQL that reads a column as its declared type, exactly."""
    if name is None:
        return _null(data_type)
    column = '"' + name.replace('"', '""') + '"'
    source = types[name]
    if data_type == "decimal":
        return _decimal(column, source)
    if data_type == "timestamp" and not source.endswith("TIME ZONE"):
        # a time without a zone is in the session's, which dlt sets to UTC; Z reads faster than UTC
        text = f"REGEXP_REPLACE(CAST({column} AS VARCHAR), ' UTC$', 'Z')"
        return f"CAST({text} AS TIMESTAMPTZ)"
    if data_type == "json":
        if source == "VARCHAR":
            # what is no JSON, such as {k=v}, stays as it came: a JSON string
            return (
                f"CASE WHEN JSON_VALID({column}) THEN CAST({column} AS JSON) "
                f"ELSE TO_JSON({column}) END"
            )
        return f"TO_JSON({column})"
    return f"CAST({column} AS {_DUCKDB_TYPES[data_type]})"


def _null(data_type: str) -> str:
    return f"CAST(NULL AS {_DUCKDB_TYPES[data_type]})"


def _decimal(column: str, source: str) -> str:
    """Text and decimals must fit without rounding; a double is read as the decimal it prints as."""
    text = f"CAST({column} AS VARCHAR)"
    if source in ("DOUBLE", "FLOAT"):
        return f"CAST({text} AS {AMOUNT})"
    amount = f"TRY_CAST({text} AS {AMOUNT})"
    too_fine = (
        f"REGEXP_MATCHES({text}, '[.][0-9]{{{AMOUNT_SCALE}}}[0-9]*[1-9]') "
        f"OR ({text} ILIKE '%e-%' AND CAST({amount} AS DOUBLE) <> CAST({text} AS DOUBLE))"
    )
    return (
        f"CASE WHEN {column} IS NULL THEN NULL "
        f"WHEN {amount} IS NULL THEN {_fail(text, 'is no number that fits')} "
        f"WHEN {too_fine} THEN {_fail(text, f'has more than {AMOUNT_SCALE} decimals')} "
        f"ELSE {amount} END"
    )


def _fail(text: str, what: str) -> str:
    return f"CAST(ERROR({text} || ' {what}, in ' || \"filename\") AS {AMOUNT})"


_DUCKDB_TYPES = {
    "text": "VARCHAR",
    "decimal": AMOUNT,
    "timestamp": "TIMESTAMPTZ",
    "json": "JSON",
    "bool": "BOOLEAN",
    "bigint": "BIGINT",
}


def _literals(paths: Sequence[str]) -> str:
    """A list of paths in SQL; what DuckDB would take for a pattern is put in brackets."""
    plain = (re.sub(r"[*?[]", r"[\g<0>]", path).replace("'", "''") for path in paths)
    return "[" + ", ".join(f"'{path}'" for path in plain) + "]"
