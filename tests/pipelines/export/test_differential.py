"""The same random rows, written as ten programs write them, give the same raw tables."""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.metronome_export.casts import DUCKDB_TYPES
from pipelines.metronome_export.export_tables import TABLES
from tests.pipelines.conftest import NewWorkspace, Rows, Workspace, in_memory

SEED = 20240301
ROWS = 40
WRITTEN = ("customer", "events", "invoice", "line_item", "breakdowns_invoices")
Records = list[dict[str, Any]]
WORDS = [
    "Café Zürich AG",
    "=SUM(A1)",
    '"quoted", comma;',
    "two\r\nlines",
    "#1",
    "株式会社",
    "a|b\tc",
]
WORDS += ["0012", "1e5", "NULL", "true", "2024-01-01", " blank ", "'", "\\"]


def value(of: str, chance: random.Random) -> Any:
    """Return a random value of a type. A tenth are null."""
    if chance.random() < 0.1:
        return None
    if of == "text":
        return chance.choice(WORDS) + str(chance.randrange(5))
    if of == "decimal":
        digits = chance.randrange(10 ** chance.randrange(1, 38))
        return Decimal(digits).scaleb(-18) * chance.choice([1, -1])
    if of == "timestamp":
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=chance.randrange(10**14))
    if of == "bool":
        return chance.random() < 0.5
    if of == "bigint":
        return chance.randrange(-(2**63), 2**63)
    size = chance.choice(WORDS)
    return json.dumps({"size": size, "n": [chance.randrange(10**17), None]}, ensure_ascii=False)


@pytest.fixture(scope="module")
def records() -> dict[str, Records]:
    chance = random.Random(SEED)
    return {
        table: [
            {name: value(hint["data_type"], chance) for name, hint in TABLES[table].items()}
            | {"id" if "id" in TABLES[table] else "transaction_id": f"row {number}"}
            for number in range(ROWS)
        ]
        for table in WRITTEN
    }


def expected(table: str, rows: Records) -> Rows:
    """Return the expected rows, in the order of their keys."""
    return sorted((tuple(row[name] for name in TABLES[table]) for row in rows), key=repr)


# Ten writers


def csv_bytes(table: str, rows: Records, time: str, **options: Any) -> bytes:
    def cell(found: Any) -> Any:
        if isinstance(found, datetime):
            return found.strftime(time)
        if isinstance(found, bool):
            return str(found).lower()
        return f"{found:f}" if isinstance(found, Decimal) else found

    sink = io.StringIO()
    writer = csv.writer(sink, **options)
    writer.writerow(TABLES[table])
    writer.writerows([cell(row[name]) for name in TABLES[table]] for row in rows)
    return sink.getvalue().encode()


def plain_csv(root: Path, table: str, rows: Records) -> None:
    content = csv_bytes(table, rows, "%Y-%m-%d %H:%M:%S.%f", lineterminator="\n")
    (root / f"Sample - {table}.csv").write_bytes(content)


def spreadsheet_csv(root: Path, table: str, rows: Records) -> None:
    content = csv_bytes(table, rows, "%Y-%m-%dT%H:%M:%S.%fZ", delimiter=";", quoting=csv.QUOTE_ALL)
    cleared = b";".join([b""] * len(TABLES[table])) + b"\r\n"
    name = table.replace("_", " ").title()
    (root / f"{name} (1).CSV").write_bytes(b"\xef\xbb\xbf" + content + cleared * 3)


def gzipped_csv(root: Path, table: str, rows: Records) -> None:
    """Write the rows to two gzipped CSV files. One of them repeats no row of the other."""
    for place, half in enumerate((rows[::2], rows[1::2])):
        content = csv_bytes(table, half, "%Y-%m-%d %H:%M:%S.%f UTC", quoting=csv.QUOTE_NONNUMERIC)
        (root / f"{table}_{place}.csv.gz").write_bytes(gzip.compress(content))


def zstandard_tsv(root: Path, table: str, rows: Records) -> None:
    content = csv_bytes(table, rows, "%Y-%m-%d %H:%M:%S.%f+00:00", delimiter="\t")
    with pa.CompressedOutputStream(str(root / f"{table}.tsv.zst"), "zstd") as stream:
        stream.write(content)


ARROW = {
    "text": pa.string(),
    "decimal": pa.decimal128(38, 18),
    "timestamp": pa.timestamp("us", "UTC"),
    "bool": pa.bool_(),
    "json": pa.string(),
    "bigint": pa.int64(),
}


def arrow(table: str, rows: Records, **types: pa.DataType) -> pa.Table:
    """Return an Arrow table, with some types replaced, by kind of column."""
    of = {name: {**ARROW, **types}[hint["data_type"]] for name, hint in TABLES[table].items()}
    return pa.table({name: pa.array([row[name] for row in rows], of[name]) for name in of})


def parquet_path(root: Path, table: str, name: str = "0_20240301060000.parquet") -> Path:
    path = root / table / "dt=2024-03-01" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def metronome(root: Path, table: str, rows: Records) -> None:
    pq.write_table(arrow(table, rows), parquet_path(root, table), row_group_size=7)


def arrow_large(root: Path, table: str, rows: Records) -> None:
    """Large strings, all as dictionaries, the columns in another order."""
    made = arrow(table, rows, text=pa.large_string(), json=pa.large_string())
    columns = {name: made[name] for name in reversed(made.column_names)}
    for name, column in columns.items():
        if pa.types.is_large_string(column.type):
            columns[name] = column.dictionary_encode()
    pq.write_table(pa.table(columns), parquet_path(root, table), compression="zstd")


def duck(root: Path, table: str, rows: Records) -> None:
    made = arrow(table, rows)
    casts = ", ".join(
        f'cast("{name}" as {DUCKDB_TYPES[hint["data_type"]]}) as "{name}"'
        for name, hint in TABLES[table].items()
    )
    with in_memory() as connection:
        connection.register("made", made)
        connection.execute(f"copy (select {casts} from made) to '{root / f'{table}.parquet'}'")


def pandas(root: Path, table: str, rows: Records) -> None:
    """Times in nanoseconds, decimals as narrow as the values, an index, all-null columns as NaN."""
    columns = {}
    for name, hint in TABLES[table].items():
        found = [row[name] for row in rows]
        kind = hint["data_type"]
        of = {"timestamp": pa.timestamp("ns", "UTC"), "decimal": None}.get(kind, ARROW[kind])
        columns[name] = pa.array(found, of)
    columns["__index_level_0__"] = pa.array(range(len(rows)))
    made = pa.table(columns).replace_schema_metadata({"pandas": "{}"})
    pq.write_table(made, root / f"{table}.parquet")


def spark(root: Path, table: str, rows: Records) -> None:
    """Times as INT96, texts without their UTF-8 mark, decimals in bytes, codec in the name."""
    made = arrow(table, rows, text=pa.binary(), json=pa.binary())
    name = "part-00000-7f2e-c000.snappy.parquet"
    path = parquet_path(root, table, name)
    pq.write_table(made, path, use_deprecated_int96_timestamps=True, compression="snappy")
    (path.parent / "_SUCCESS").touch()
    (path.parent / f".{name}.crc").touch()


def wide(root: Path, table: str, rows: Records) -> None:
    """Decimals of 50 digits, and times with another zone, in the folder of an hour."""
    made = arrow(
        table, rows, decimal=pa.decimal256(50, 18), timestamp=pa.timestamp("us", "Asia/Tokyo")
    )
    path = root / table / "dt=20240301" / "hour=02" / "0.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(made, path)


def all_text(root: Path, table: str, rows: Records) -> None:
    """Write every value as text, with null as an empty text, like a program without types."""
    made = {
        name: pa.array(
            [
                str(row[name]).lower()
                if isinstance(row[name], bool)
                else f"{row[name]:f}"
                if isinstance(row[name], Decimal)
                else None
                if row[name] is None and hint["data_type"] != "text"
                else str(row[name] or "")
                for row in rows
            ]
        )
        for name, hint in TABLES[table].items()
    }
    (root / table).mkdir()
    pq.write_table(pa.table(made), root / table / "data.parquet")


WRITERS: list[Callable[[Path, str, Records], None]] = [
    plain_csv,
    spreadsheet_csv,
    gzipped_csv,
    zstandard_tsv,
    metronome,
    arrow_large,
    duck,
    pandas,
    spark,
    wide,
    all_text,
]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_the_same_rows_land_whoever_wrote_them(
    new_workspace: NewWorkspace,
    tmp_path: Path,
    records: dict[str, Records],
    write: Callable[[Path, str, Records], None],
):
    for table, rows in records.items():
        write(tmp_path, table, rows)
    workspace: Workspace = new_workspace()
    workspace.load_export(tmp_path)
    with workspace.connect() as connection:
        for table, rows in records.items():
            names = ", ".join(f'"{name}"' for name in TABLES[table])
            landed = connection.execute(f"select {names} from raw_export.{table}").fetchall()
            assert sorted(landed, key=repr) == expected(table, rows)
    left_out = "kind in ('bad file', 'unknown file', 'stopped', 'double column')"
    assert workspace.value(f"select count(*) from raw_export.load_notes where {left_out}") == 0
