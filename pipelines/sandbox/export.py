"""Write the account as export files: the object-storage log, or the vendor's flat CSV files."""

import csv
import filecmp
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.sandbox.account import (
    NOW,
    Account,
    copied_event,
    copied_reference,
)
from pipelines.sandbox.export_tables import (
    COLUMNS,
    NOT_IN_CSV,
    Row,
    catalog_rows,
    customer_rows,
    event_row,
    invoice_rows,
)

Layout = Literal["parquet", "csv"]

CSV_PREFIX = "Sandbox Egress Data"

_TRANSFERS = [
    datetime(2024, 1, 16, 6, tzinfo=UTC),
    datetime(2024, 2, 3, 6, tzinfo=UTC),
    datetime(2024, 3, 3, 6, tzinfo=UTC),
    datetime(2024, 3, 19, 6, tzinfo=UTC),
    datetime(2024, 4, 3, 6, tzinfo=UTC),
    datetime(2024, 4, 10, 6, tzinfo=UTC),
    NOW,
    datetime(2024, 5, 3, 6, tzinfo=UTC),
    datetime(2024, 5, 19, 6, tzinfo=UTC),
    datetime(2024, 6, 3, 6, tzinfo=UTC),
    datetime(2024, 6, 19, 6, tzinfo=UTC),
]

BLOCKS_PER_PART = 20
"""How many blocks of the account share a file; bounds the memory of a large export."""

_ARROW = {
    "text": pa.string(),
    "decimal": pa.decimal128(38, 18),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "boolean": pa.bool_(),
}
SCHEMAS = {
    table: pa.schema([(name, _ARROW[kind]) for name, kind in columns.items()])
    for table, columns in COLUMNS.items()
}


def transfers(now: datetime) -> list[datetime]:
    """Starts of the transfers up to `now`, at which the last one runs.

    A row version travels in the first transfer at or after its `updated_at`.
    """
    return [*(start for start in _TRANSFERS if start < now), now]


def write_export(account: Account, folder: Path | str, layout: Layout = "parquet") -> list[Path]:
    """Write the whole export and return its files.

    A file with the same bytes is left untouched, and export files of an earlier run that are no
    longer part of it are removed; nothing else in the folder is.

    Args:
        account: What to export; both environments.
        folder: Root of the export, created if missing.
        layout: `parquet` is the append-only log `<table>/dt=<date>/<part>_<time>.parquet` with
            row versions and repeats; `csv` is one file per table with the newest rows only.

    Raises:
        ValueError: The layout is unknown.
    """
    if layout not in ("parquet", "csv"):
        raise ValueError(f"unknown layout {layout!r}: use parquet or csv")
    root = Path(folder)
    written = list((_write_parquet if layout == "parquet" else _write_csv)(account, root))
    old = [*root.glob("*/dt=*/*.parquet"), *root.glob(f"{CSV_PREFIX} - *.csv")]
    for path in set(old) - set(written):
        path.unlink()
        if path.parent != root and not any(path.parent.iterdir()):
            path.parent.rmdir()
    return written


def newest_rows(rows: Iterable[Row], key: str = "id") -> list[Row]:
    """Keep the version with the greatest `updated_at` of each key."""
    newest: dict[str, Row] = {}
    for row in rows:
        held = newest.get(row[key])
        if held is None or row["updated_at"] > held["updated_at"]:
            newest[row[key]] = row
    return list(newest.values())


def table_rows(account: Account, numbers: Iterable[int] = (0,)) -> dict[str, list[Row]]:
    """Rows of every table but events, all versions, of the given blocks and both environments."""
    tables: dict[str, list[Row]] = {table: [] for table in COLUMNS if table != "events"}
    for number in numbers:
        for environment in account.books:
            books = account.block(environment, number)
            parts = [customer_rows(books), invoice_rows(books)]
            if number == 0:
                parts.append(catalog_rows(books))
            for part in parts:
                for table, row in part:
                    tables[table].append(row)
    return tables


def _write_parquet(account: Account, root: Path) -> Iterator[Path]:
    starts = transfers(account.now)
    # One event in 200 and one other row in 20 is delivered twice.
    events = list(_by_transfer(_event_table(account), starts, one_in=200))
    for part, first in enumerate(range(0, account.scale, BLOCKS_PER_PART)):
        numbers = range(first, min(first + BLOCKS_PER_PART, account.scale))
        for transfer, rows in events:
            copies = pa.concat_tables(_copied_events(rows, number) for number in numbers)
            yield _write_part(root, "events", transfer, part, copies)
        for name, rows in table_rows(account, numbers).items():
            table = pa.Table.from_pylist(rows, schema=SCHEMAS[name])
            for transfer, delivered in _by_transfer(table, starts, one_in=20):
                yield _write_part(root, name, transfer, part, delivered)


def _write_part(root: Path, name: str, transfer: datetime, part: int, rows: pa.Table) -> Path:
    path = root / name / f"dt={transfer:%Y-%m-%d}" / f"{part}_{transfer:%Y%m%d%H%M%S}.parquet"
    _write(path, lambda target: pq.write_table(rows.combine_chunks(), target))
    return path


def _by_transfer(
    table: pa.Table, starts: list[datetime], one_in: int
) -> Iterator[tuple[datetime, pa.Table]]:
    """Split rows by transfer, each with the repeats of the one before; empty ones are left out."""
    repeated = _repeated(table, one_in)
    kind = _ARROW["timestamp"]
    arrived = [pc.less_equal(table["updated_at"], pa.scalar(time, kind)) for time in starts]
    previous = None
    for number, transfer in enumerate(starts):
        fresh = pc.and_not(arrived[number], arrived[number - 1]) if number else arrived[0]
        rows = table.filter(fresh)
        if previous is not None:
            again = table.filter(pc.and_(previous, repeated))
            rows = pa.concat_tables([again, rows])
        if rows.num_rows:
            yield transfer, rows
        previous = fresh


def _repeated(table: pa.Table, one_in: int) -> pa.Array:
    """Mark the rows that the next transfer delivers once more.

    One key in `one_in`, and every version that a later one replaces: a late retry of an old
    state must not win over the newer state.
    """
    keys = table.column(0).to_pylist()
    newest = {key: position for position, key in enumerate(keys)}
    return pa.array(
        [
            newest[key] != position or crc32(key.encode()) % one_in == 0
            for position, key in enumerate(keys)
        ],
        pa.bool_(),
    )


def _event_table(account: Account) -> pa.Table:
    rows = [
        event_row(event, environment)
        for environment, books in account.books.items()
        for event in books.events
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["events"])


def _copied_events(table: pa.Table, block: int) -> pa.Table:
    """The events of a later block, made from block 0 column by column as `copied_event` does."""
    if block == 0:
        return table
    for name in ("transaction_id", "_metronome_metadata_id"):
        column = pc.binary_join_element_wise(table[name], f"-{block}", "")
        table = table.set_column(table.schema.get_field_index(name), name, column)
    index = table.schema.get_field_index("customer_id")
    encoded = table["customer_id"].combine_chunks().dictionary_encode()
    names = [copied_reference(name, block) for name in encoded.dictionary.to_pylist()]
    return table.set_column(index, "customer_id", pa.array(names).take(encoded.indices))


def _write_csv(account: Account, root: Path) -> Iterator[Path]:
    tables = table_rows(account, range(account.scale))
    for table, columns in COLUMNS.items():
        kept = [name for name in columns if name not in NOT_IN_CSV.get(table, ())]
        rows = newest_rows(tables[table]) if table != "events" else _all_events(account)
        path = root / f"{CSV_PREFIX} - {table}.csv"
        _write(path, lambda target, rows=rows, kept=kept: _write_rows(target, kept, rows))
        yield path


def _all_events(account: Account) -> Iterator[Row]:
    for number in range(account.scale):
        for environment, books in account.books.items():
            for event in books.events:
                row = event_row(copied_event(event, number) if number else event, environment)
                properties = ", ".join(f"{key}={value}" for key, value in event.properties.items())
                yield row | {
                    "timestamp": f"{event.timestamp:%Y-%m-%d %H:%M:%S.%f} UTC",
                    "properties": f"{{{properties}}}",
                }


def _write_rows(path: Path, columns: list[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)


def _cell(value: Any) -> Any:
    """A value as the vendor's flat files print it; the hour has no leading zero."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d} {value.hour}:{value:%M:%S}"
    return f"{value:f}" if isinstance(value, Decimal) else value


def _write(path: Path, fill: Callable[[Path], None]) -> None:
    """Fill a file beside `path` and put it there, unless the bytes are already the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}")
    fill(fresh)
    if path.exists() and filecmp.cmp(path, fresh, shallow=False):
        fresh.unlink()
    else:
        fresh.replace(path)
