"""Write the account as export files: the object-storage log, or the vendor's flat CSV files."""

import csv
import io
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.common.progress import progress_bar
from sandbox.billing.simulate import earlier
from sandbox.core.account import Account
from sandbox.core.records import NOW, to_text
from sandbox.core.usage_index import floor
from sandbox.export.rows.alerts import AlertHistory, alert_rows, payment_rows
from sandbox.export.rows.breakdowns import breakdown_rows, draft_breakdown_rows
from sandbox.export.rows.contracts import contract_rows, price_rows
from sandbox.export.rows.core import (
    Row,
    catalog_rows,
    customer_rows,
    event_row,
    grant_rows,
    invoice_rows,
)
from sandbox.export.rows.drafts import draft_rows
from sandbox.export.schema import COLUMNS, NOT_IN_CSV

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
"""Columns that identify the snapshots of a table."""

_FINAL = ("breakdowns_invoices", "breakdowns_line_items")
"""Tables with such a column that are not snapshots: each row is exported once."""


def transfers(now: datetime) -> list[datetime]:
    """Return the starts of the transfers up to `now`, at which the last one runs.

    A row version travels in the first transfer at or after its `updated_at`.
    """
    return [*(start for start in _TRANSFERS if start < now), now]


def write_export(account: Account, folder: Path | str, layout: Layout = "parquet") -> list[Path]:
    """Write the whole export and return its files.

    A file with the same bytes is not written again. Export files of an earlier run that this run
    does not write are removed. Other files in the folder stay.

    Args:
        account: What to export; both environments.
        folder: Root of the export. It is created if missing.
        layout: `parquet` is the append-only log `<table>/dt=<date>/<part>_<time>.parquet` with
            row versions and repeats; `csv` is one file per table with the newest rows only.

    Raises:
        ValueError: The layout is unknown.
    """
    if layout not in ("parquet", "csv"):
        raise ValueError(f"unknown layout {layout!r}: use parquet or csv")
    root = Path(folder)
    written = list((_write_parquet if layout == "parquet" else _write_csv)(account, root))
    remove_others(root, written)
    return written


def remove_others(root: Path, written: list[Path]) -> None:
    """Remove the export files of earlier runs that this run did not write."""
    old = [*root.glob("*/dt=*/*.parquet"), *root.glob(f"{CSV_PREFIX} - *.csv")]
    for path in set(old) - set(written):
        path.unlink()
        if path.parent != root and not any(path.parent.iterdir()):
            path.parent.rmdir()


def table_rows(account: Account, starts: list[datetime]) -> dict[str, list[Row]]:
    """Return the rows of every table: all versions and snapshots of both environments.

    The first transfer of a day delivers the snapshot of the start of the day.
    """
    tables: dict[str, list[Row]] = {table: [] for table in COLUMNS}

    def add(rows: Iterable[tuple[str, Row]]) -> None:
        for table, row in rows:
            tables[table].append(row)

    for environment, state in account.states.items():
        for rows in (
            *(catalog_rows, customer_rows, invoice_rows, grant_rows),
            *(breakdown_rows, alert_rows, payment_rows),
        ):
            add(rows(state))
        tables["events"] += [event_row(event, environment) for event in state.events]
    add(_snapshot_rows(account, starts))
    return tables


def _snapshot_rows(account: Account, starts: list[datetime]) -> Iterator[tuple[str, Row]]:
    """Yield rows of snapshots, and of alert statuses that differ from the previous day's."""
    days: dict[datetime, datetime] = {}
    for start in starts:
        days.setdefault(floor(start, "DAY"), start)
    histories = {environment: AlertHistory() for environment in account.states}
    with progress_bar("sandbox: snapshots", "days", len(days)) as bar:
        for then in earlier(account, days):
            yield from _rows_of_day(then, days[then.now], histories)
            bar.update()


def _rows_of_day(
    then: Account, start: datetime, histories: dict[str, AlertHistory]
) -> Iterator[tuple[str, Row]]:
    """Yield the rows of the snapshots of a day, which the transfer at `start` delivers."""
    for environment, state in then.states.items():
        yield from draft_rows(state, start)
        yield from draft_breakdown_rows(state, start)
        yield from histories[environment].rows(state)
        snapshot = {
            "environment_type": environment,
            "snapshot_id": to_text(then.now),
            "updated_at": start,
        }
        for rows in (contract_rows(state), price_rows(state)):
            for table, row in rows:
                yield table, row | snapshot


def _write_parquet(account: Account, root: Path) -> Iterator[Path]:
    starts = transfers(account.now)
    tables = table_rows(account, starts)
    with progress_bar("sandbox: export", "tables", len(tables)) as bar:
        for name, rows in tables.items():
            for transfer, delivered in by_transfer(name, rows, starts):
                table = pa.Table.from_pylist(delivered, schema=SCHEMAS[name])
                yield write_part(root, name, transfer, 0, [table])
            bar.update()


def write_part(
    root: Path, name: str, transfer: datetime, part: int, tables: Iterable[pa.Table]
) -> Path:
    """Write one file of a table in a transfer, named by the number of the part, and return it."""
    path = root / name / f"dt={transfer:%Y-%m-%d}" / f"{part}_{transfer:%Y%m%d%H%M%S}.parquet"

    target = pa.BufferOutputStream()
    with pq.ParquetWriter(target, SCHEMAS[name]) as writer:
        for table in tables:
            writer.write_table(table)
    _write(path, target.getvalue().to_pybytes())
    return path


def by_transfer(
    name: str, rows: list[Row], starts: list[datetime]
) -> Iterator[tuple[datetime, list[Row]]]:
    """Split rows by the transfers that deliver them. A transfer without rows is left out.

    One event in 200 and one other row in 20 is delivered again by the next transfer. A replaced
    version is delivered again with the newer version or after it, so that a late retry of an old
    state can be tested. The content of a transfer never depends on later transfers.
    """
    version = _version(name)
    key, marker = next(iter(COLUMNS[name])), _snapshot_column(rows)
    one_in = 200 if name == "events" else 20
    repeats: list[list[Row]] = [[] for _ in range(len(starts) + 1)]
    fresh: list[list[Row]] = [[] for _ in starts]
    held: dict[Any, tuple[int, Row]] = {}
    for row in rows:
        arrival = bisect_left(starts, row[version])
        if arrival == len(starts):
            continue
        identity = (row[key], row[marker]) if marker else row[key]
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


def _snapshot_column(rows: list[Row]) -> str | None:
    """Return the key that identifies snapshots in rows, exported or not."""
    return next((column for column in _SNAPSHOTS if rows and column in rows[0]), None)


def _version(name: str) -> str:
    return "created_at" if name == "customer_alert_history" else "updated_at"


def _write_csv(account: Account, root: Path) -> Iterator[Path]:
    tables = table_rows(account, transfers(account.now))
    for name, columns in COLUMNS.items():
        kept = [column for column in columns if column not in NOT_IN_CSV.get(name, ())]
        if name == "events":
            rows = [_flat_event(row) for row in tables[name]]
        else:
            rows = _current(name, tables[name])
        path = root / f"{CSV_PREFIX} - {name}.csv"
        _write(path, _csv(kept, rows))
        yield path


def _flat_event(row: Row) -> Row:
    properties = ", ".join(f"{key}={value}" for key, value in json.loads(row["properties"]).items())
    return row | {
        "timestamp": f"{row['timestamp']:%Y-%m-%d %H:%M:%S.%f} UTC",
        "properties": f"{{{properties}}}",
    }


def _current(name: str, rows: list[Row]) -> list[Row]:
    """Return the newest snapshot, or the newest row of each key of a table without snapshots."""
    marker = _snapshot_column(rows)
    if marker in COLUMNS[name] and name not in _FINAL:
        newest_snapshot = max(row[marker] for row in rows)
        return [row for row in rows if row[marker] == newest_snapshot]
    newest: dict[str, Row] = {}
    for row in rows:
        held = newest.get(row["id"])
        if held is None or row[_version(name)] >= held[_version(name)]:
            newest[row["id"]] = row
    return list(newest.values())


def _csv(columns: list[str], rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """Format a value as in the vendor's flat files, where the hour has no leading zero."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d} {value.hour}:{value:%M:%S}"
    return f"{value:f}" if isinstance(value, Decimal) else value


def _write(path: Path, content: bytes) -> None:
    """Replace a file atomically, unless it already has the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() == content:
        return
    fresh = path.with_name(f".{path.name}")
    fresh.write_bytes(content)
    fresh.replace(path)
