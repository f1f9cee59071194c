"""Write the account as export files: the object-storage log, or the vendor's flat CSV files."""

import csv
import filecmp
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sandbox.account import NOW, Account, to_text
from pipelines.sandbox.export_alerts import AlertHistory, alert_rows, payment_rows
from pipelines.sandbox.export_breakdowns import breakdown_rows, draft_breakdown_rows
from pipelines.sandbox.export_contracts import contract_rows, price_rows
from pipelines.sandbox.export_copies import Copies
from pipelines.sandbox.export_drafts import draft_rows
from pipelines.sandbox.export_rows import (
    Row,
    catalog_rows,
    customer_rows,
    event_row,
    grant_rows,
    invoice_rows,
)
from pipelines.sandbox.export_tables import COLUMNS, NOT_IN_CSV
from pipelines.sandbox.rolled_up import rolled_up
from pipelines.sandbox.simulation import earlier
from pipelines.sandbox.usage_index import floor

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

_LARGE_SINCE = datetime(2024, 4, 10, 6, tzinfo=UTC)
"""First transfer of an account of several blocks: all its history, as a new destination gets it."""

ROWS_PER_FILE = 4_000_000
ROWS_AT_ONCE = 250_000
"""How many rows of a large export share a file, and are held in memory; copies of one block stay
together."""

_CATALOG = (
    *("billable_metric", "credit_type", "plan", "product", "plan_charge", "alert"),
    *("contracts_rate_cards", "contracts_rate_card_entries"),
    *("contracts_product_list_item_versions", "packages"),
)
"""Tables of what all blocks share."""

_BROKEN_DOWN = 20
"""One block in so many has breakdowns: in full they were most of a large export."""

_ARROW = {
    "text": pa.string(),
    "decimal": pa.decimal128(38, 18),
    "integer": pa.int64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "boolean": pa.bool_(),
}
SCHEMAS = {
    table: pa.schema([(name, _ARROW[kind]) for name, kind in columns.items()])
    for table, columns in COLUMNS.items()
}


_SNAPSHOTS = ("snapshot_time", "snapshot_timestamp", "snapshot_id")
"""Columns that tell the daily pictures of a table apart."""

_FINAL = ("breakdowns_invoices", "breakdowns_line_items")
"""Tables with such a column that are no pictures: each row comes once."""


def transfers(now: datetime, scale: int = 1) -> list[datetime]:
    """Starts of the transfers up to `now`, at which the last one runs.

    A row version travels in the first transfer at or after its `updated_at`.
    """
    first = _LARGE_SINCE if scale > 1 else _TRANSFERS[0]
    return [*(start for start in _TRANSFERS if first <= start < now), now]


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


def table_rows(account: Account, starts: list[datetime]) -> dict[str, list[Row]]:
    """Rows of every table, all versions and snapshots, of block 0 and both environments.

    A day's snapshot comes with the first transfer of the day, and shows what was when it began.
    """
    tables: dict[str, list[Row]] = {table: [] for table in COLUMNS}

    def add(rows: Iterable[tuple[str, Row]]) -> None:
        for table, row in rows:
            tables[table].append(row)

    for environment, books in account.books.items():
        for rows in (
            *(catalog_rows, customer_rows, invoice_rows, grant_rows),
            *(breakdown_rows, alert_rows, payment_rows),
        ):
            add(rows(books))
        tables["events"] += [event_row(event, environment) for event in books.events]
    add(_snapshot_rows(account, starts))
    return tables


def _snapshot_rows(account: Account, starts: list[datetime]) -> Iterator[tuple[str, Row]]:
    """Rows of the tables that repeat in full, and of those found by comparing days."""
    days: dict[datetime, datetime] = {}
    for start in starts:
        days.setdefault(floor(start, "DAY"), start)
    histories = {environment: AlertHistory() for environment in account.books}
    for then in earlier(account, days):
        day, start = then.now, days[then.now]
        for environment, books in then.books.items():
            yield from draft_rows(books, start)
            yield from draft_breakdown_rows(books, start)
            yield from histories[environment].rows(books)
            snapshot = {
                "environment_type": environment,
                "snapshot_id": to_text(day),
                "updated_at": start,
            }
            for rows in (contract_rows(books), price_rows(books)):
                for table, row in rows:
                    yield table, row | snapshot


def _write_parquet(account: Account, root: Path) -> Iterator[Path]:
    starts = transfers(account.now, account.scale)
    tables = table_rows(account, starts)
    copied = tables | {"events": _rolled_up_rows(account, starts)} if account.scale > 1 else {}
    shared = _shared_ids(account, tables)
    for name, rows in tables.items():
        to_copy = dict(_by_transfer(name, copied.get(name, []), starts))
        for transfer, delivered in _by_transfer(name, rows, starts):
            copies = Copies(name, to_copy.get(transfer, []), shared)
            parts = _parts(name, account.scale, len(copies.marked))
            for part, blocks in enumerate(parts):
                tables_of_part = _part_tables(name, [] if part else delivered, copies, blocks)
                yield _write_part(root, name, transfer, part, tables_of_part)


def _parts(name: str, scale: int, rows: int) -> list[range]:
    """The blocks after the first one that have rows of a table, by file; at least one file."""
    if name in _CATALOG:
        return [range(0)]
    blocks = range(1, scale)
    if "breakdowns" in name:
        blocks = range(_BROKEN_DOWN, scale, _BROKEN_DOWN)
    step = max(1, ROWS_PER_FILE // max(1, rows))
    return [blocks[first : first + step] for first in range(0, max(1, len(blocks)), step)]


def _part_tables(name: str, rows: list[Row], copies: Copies, blocks: range) -> Iterator[pa.Table]:
    """The rows of block 0, if any, then the copies."""
    if rows:
        yield pa.Table.from_pylist(rows, schema=SCHEMAS[name])
    yield from copies.tables(blocks, SCHEMAS[name], ROWS_AT_ONCE)


def _shared_ids(account: Account, tables: dict[str, list[Row]]) -> frozenset[str]:
    """Ids that are the same in all blocks: of the catalog, and of alerts."""
    ids = {key for books in account.books.values() for key in books.catalog.ids}
    return frozenset(ids | {row["id"] for row in tables["alert"]})


def _rolled_up_rows(account: Account, starts: list[datetime]) -> list[Row]:
    return [
        event_row(event, environment)
        for environment, books in account.books.items()
        for event in rolled_up(books, starts)
    ]


def _write_part(
    root: Path, name: str, transfer: datetime, part: int, tables: Iterable[pa.Table]
) -> Path:
    path = root / name / f"dt={transfer:%Y-%m-%d}" / f"{part}_{transfer:%Y%m%d%H%M%S}.parquet"

    def fill(target: Path) -> None:
        with pq.ParquetWriter(target, SCHEMAS[name]) as writer:
            for table in tables:
                writer.write_table(table)

    _write(path, fill)
    return path


def _by_transfer(
    name: str, rows: list[Row], starts: list[datetime]
) -> Iterator[tuple[datetime, list[Row]]]:
    """Split rows by the transfers that deliver them; a transfer without any is left out.

    One event in 200 and one other row in 20 is delivered again by the next transfer. A version
    that a later one replaces comes once more with that one or after it: a late retry of an old
    state must not win over the newer state. What a transfer delivers never depends on later ones.
    """
    version = _version(name)
    key = next(iter(COLUMNS[name]))
    one_in = 200 if name == "events" else 20
    repeats: list[list[Row]] = [[] for _ in range(len(starts) + 1)]
    fresh: list[list[Row]] = [[] for _ in starts]
    held: dict[Any, tuple[int, Row]] = {}
    for row in rows:
        arrival = bisect_left(starts, row[version])
        if arrival == len(starts):
            continue
        identity = (row[key], *(row.get(marker) for marker in _SNAPSHOTS))
        if identity in held:
            before, old = held[identity]
            repeats[max(arrival, before + 1)].append(old)
        held[identity] = (arrival, row)
        fresh[arrival].append(row)
        if crc32(row[key].encode()) % one_in == 0:
            repeats[arrival + 1].append(row)
    for transfer, again, new in zip(starts, repeats, fresh, strict=False):
        if again or new:
            yield transfer, again + new


def _version(name: str) -> str:
    return "created_at" if name == "customer_alert_history" else "updated_at"


def _write_csv(account: Account, root: Path) -> Iterator[Path]:
    tables = table_rows(account, transfers(account.now))
    shared = _shared_ids(account, tables)
    for name, columns in COLUMNS.items():
        kept = [column for column in columns if column not in NOT_IN_CSV.get(name, ())]
        rows = _all_rows(account, name, tables[name], shared)
        path = root / f"{CSV_PREFIX} - {name}.csv"
        _write(path, lambda target, rows=rows, kept=kept: _write_rows(target, kept, rows))
        yield path


def _all_rows(
    account: Account, name: str, rows: list[Row], shared: frozenset[str]
) -> Iterator[Row]:
    """What a flat file holds: events as they came, of other tables the newest rows."""
    now = [account.now]
    if name == "events":
        current = [_flat_event(row) for row in rows]
        repeated = [_flat_event(row) for row in _rolled_up_rows(account, now)]
    else:
        current = repeated = _current(name, rows)
    yield from current
    copies = Copies(name, repeated, shared)
    for blocks in _parts(name, account.scale, 1):
        for block in blocks:
            yield from copies.rows(block)


def _flat_event(row: Row) -> Row:
    properties = ", ".join(f"{key}={value}" for key, value in json.loads(row["properties"]).items())
    return row | {
        "timestamp": f"{row['timestamp']:%Y-%m-%d %H:%M:%S.%f} UTC",
        "properties": f"{{{properties}}}",
    }


def _current(name: str, rows: list[Row]) -> list[Row]:
    """The newest snapshot of a table that has any, and the newest row of each key."""
    marker = next((column for column in _SNAPSHOTS if column in COLUMNS[name]), None)
    if marker and name not in _FINAL:
        newest_snapshot = max(row[marker] for row in rows)
        return [row for row in rows if row[marker] == newest_snapshot]
    newest: dict[str, Row] = {}
    for row in rows:
        held = newest.get(row["id"])
        if held is None or row[_version(name)] >= held[_version(name)]:
            newest[row["id"]] = row
    return list(newest.values())


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
