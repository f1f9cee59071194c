"""Repeat the sandbox's customers under other ids, names and aliases, for accounts of any size.

Replica 0 is the simulated account. The other replicas do not need the time or memory of a large
simulation. The API makes a replica on request, and the export writes a number into marked rows.
"""

import argparse
import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.__main__ import main as sandbox
from sandbox.billing.simulate import simulate
from sandbox.core.account import Account, AccountState, Catalog
from sandbox.core.metering import is_late
from sandbox.core.records import Event, Version, plain, to_time
from sandbox.export.rows.core import Row, event_row
from sandbox.export.schema import COLUMNS
from sandbox.export.writer import (
    SCHEMAS,
    by_transfer,
    remove_others,
    table_rows,
    transfers,
    write_export,
    write_part,
)

_FIRST_TRANSFER = datetime(2024, 4, 10, 6, tzinfo=UTC)
"""The first transfer has the whole history, as for a new destination."""

ROWS_PER_FILE = 4_000_000
ROWS_AT_ONCE = 250_000
"""The most rows per file, and in memory. Rows of one replica stay together."""

_CATALOG = (
    *("billable_metric", "credit_type", "plan", "product", "plan_charge", "alert"),
    *("contracts_rate_cards", "contracts_rate_card_entries"),
    *("contracts_product_list_item_versions", "packages"),
)
"""Tables whose rows all replicas share."""

_BROKEN_DOWN = 20
"""One replica in this many has breakdowns, which would otherwise be most of the export."""


@dataclass(frozen=True)
class Replica(AccountState):
    """A copy of an environment with new ids.

    Attributes:
        originals: The customers of replica 0, by the customers of this one.
    """

    originals: dict[str, str] = field(default_factory=dict)

    def metered_as(self, customer_id: str) -> str:
        """Return the id of the customer in replica 0, under which `usage` counts it."""
        return self.originals[customer_id]


class Replicas(Sequence[AccountState]):
    """The replicas of one environment. Each is made on request."""

    def __init__(self, state: AccountState, scale: int) -> None:
        """Repeat a state `scale` times."""
        self._state, self._scale = state, scale
        self._shared = _catalog_ids(state.catalog)

    def __len__(self) -> int:
        return self._scale

    @lru_cache(maxsize=8)  # noqa: B019 - replicas live as long as their process
    def __getitem__(self, number: int) -> AccountState:
        if not 0 <= number < self._scale:
            raise IndexError(number)
        return relabelled(self._state, number, self._shared) if number else self._state


@dataclass(frozen=True, eq=False)
class ReplicatedAccount(Account):
    """An account whose customers occur `scale` times."""

    scale: int = 1

    def parts(self, environment: str) -> Sequence[AccountState]:
        """Return the replicas of an environment."""
        return Replicas(self.states[environment], self.scale)


def replicated(account: Account, scale: int) -> ReplicatedAccount:
    """Repeat each customer of an account `scale` times."""
    return ReplicatedAccount(account.seed, account.states, account.now, scale)


def replica_reference(reference: str, number: int) -> str:
    """Return the id or alias of `reference` in a replica."""
    if len(reference) == 36 and _is_identity(reference):
        return f"{number:08x}{reference[8:]}"
    return f"{reference}_{number}"


def relabelled(state: AccountState, number: int, shared: frozenset[str]) -> Replica:
    """Repeat a state under new ids. Amounts and times stay, and the catalog is shared."""

    def copy(value: Any) -> Any:
        if isinstance(value, str):
            own = _is_identity(value) and value not in shared
            return replica_reference(value, number) if own else value
        if isinstance(value, dict):
            return {key: copy(item) for key, item in value.items()}
        if isinstance(value, list):
            return [copy(item) for item in value]
        if isinstance(value, Version):
            return Version(value.updated_at, copy(value.changes))
        return value

    def by_id(groups: dict[str, Any]) -> dict[str, Any]:
        return {copy(key): copy(items) for key, items in groups.items()}

    customers = []
    for customer in copy(state.customers):
        aliases = [replica_reference(alias, number) for alias in customer["ingest_aliases"]]
        external = aliases[0] if aliases else customer["id"]
        name = f"{customer['name']} ({number})"
        customers.append(
            {**customer, "name": name, "ingest_aliases": aliases, "external_id": external}
        )
    return Replica(
        environment=state.environment,
        catalog=state.catalog,
        now=state.now,
        usage=state.usage,
        customers=customers,
        customer_plans=by_id(state.customer_plans),
        contracts=by_id(state.contracts),
        balances=by_id(state.balances),
        grants=copy(state.grants),
        ledgers=copy(state.ledgers),
        invoices=copy(state.invoices),
        customer_versions=by_id(state.customer_versions),
        invoice_versions=by_id(state.invoice_versions),
        billing_provider=by_id(state.billing_provider),
        contract_edits=by_id(state.contract_edits),
        subscription_seats=by_id(state.subscription_seats),
        originals={copy(customer["id"]): customer["id"] for customer in state.customers},
    )


def _catalog_ids(catalog: Catalog) -> frozenset[str]:
    return frozenset(_identities([vars(catalog)]))


def _is_identity(text: str) -> bool:
    """Return whether a text is a UUID or a billing provider's id."""
    if len(text) == 36:
        return text[8] == text[13] == text[18] == text[23] == "-"
    return text.startswith(("in_", "cus_"))


def _identities(value: Any) -> Iterator[str]:
    """Yield all ids in a nested value."""
    if isinstance(value, str) and _is_identity(value):
        yield value
    elif isinstance(value, dict):
        yield from _identities(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _identities(item)


# Marks for the number of a replica: as the first eight digits of an id, and in plain text.
_IN_ID, _IN_TEXT = "\ue000", "\ue001"
_MARKS = (_IN_ID, _IN_TEXT)

_IDENTITY = re.compile(
    r"\b[0-9a-f]{8}((?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b|\b(?:in_[0-9a-f]{24}|cus_\w+)"
)

_SUFFIXES = {
    ("events", "transaction_id"): f"-{_IN_TEXT}",
    ("events", "customer_id"): f"_{_IN_TEXT}",
    ("customer", "name"): f" ({_IN_TEXT})",
}
"""The suffixes of texts that are not ids, by table and column."""


class Copies:
    """The rows of a table in other replicas."""

    def __init__(self, name: str, rows: Iterable[Row], shared: frozenset[str]) -> None:
        """Mark rows of replica 0.

        Args:
            name: The table.
            rows: Its rows.
            shared: Ids that are the same in all replicas.
        """
        texts = [column for column, kind in COLUMNS[name].items() if kind == "text"]
        mark = lru_cache(maxsize=None)(lambda column, text: _marked(name, column, text, shared))
        self.marked: list[Row] = [
            row | {column: mark(column, row[column]) for column in texts if row.get(column)}
            for row in rows
        ]
        self._texts = texts

    def rows(self, number: int) -> Iterator[Row]:
        """Yield the rows of one replica."""
        for row in self.marked:
            yield row | {
                column: _placed(row[column], number) for column in self._texts if row.get(column)
            }

    def tables(self, numbers: range, schema: pa.Schema, at_once: int) -> Iterator[pa.Table]:
        """Yield the rows of many replicas, in order, in tables of about `at_once` rows."""
        if not self.marked:
            return
        count = len(self.marked)
        source = pa.Table.from_pylist(self.marked, schema=schema).combine_chunks()
        columns = [_Column(column.chunk(0)) for column in source.columns]
        step = max(1, at_once // count)
        for first in range(0, len(numbers), step):
            block = numbers[first : first + step]
            places = pa.concat_arrays(
                [pa.repeat(pa.scalar(place), count) for place in range(len(block))]
            )
            yield pa.table([column.repeated(block, places) for column in columns], schema=schema)


class _Column:
    """A column of marked values."""

    def __init__(self, values: pa.Array) -> None:
        self._values = values
        self._parts: tuple[pa.Array, ...] | None = None
        self._marks = 0
        if pa.types.is_string(values.type):
            texts = values.to_pylist()
            self._marks = max(sum(map((text or "").count, _MARKS)) for text in texts)
            if self._marks == 1:
                self._parts = _split(texts)

    def repeated(self, numbers: range, places: pa.Array) -> pa.Array:
        """Return the values of many replicas. `places` has the position of each value's replica."""
        if self._marks == 0:
            return pa.concat_arrays([self._values] * len(numbers))
        if self._parts is None:
            return pa.concat_arrays([self._placed(number) for number in numbers])
        before, kinds, after = (pa.concat_arrays([part] * len(numbers)) for part in self._parts)
        numbers = pa.array(
            [text for number in numbers for text in ("", f"{number:08x}", str(number))]
        )
        marks = numbers.take(pc.add(pc.multiply(places, 3), kinds))
        return pc.binary_join_element_wise(before, marks, after, "")

    def _placed(self, number: int) -> pa.Array:
        values = pc.replace_substring(self._values, _IN_ID, f"{number:08x}")
        return pc.replace_substring(values, _IN_TEXT, str(number))


def _split(texts: list[str | None]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return the texts before the mark, the mark's kind (0 for none), and the texts after it."""
    before, kinds, after = [], [], []
    for text in texts:
        kind = next((kind for kind, mark in enumerate(_MARKS, 1) if mark in (text or "")), 0)
        head, _, tail = text.partition(_MARKS[kind - 1]) if kind else (text, "", "")
        before.append(head)
        kinds.append(kind)
        after.append(tail)
    return (
        pa.array(before, pa.string()),
        pa.array(kinds, pa.int64()),
        pa.array(after, pa.string()),
    )


def _marked(name: str, column: str, text: str, shared: frozenset[str]) -> str:
    """Return a text with marks where replicas differ."""
    if (name, column) == ("customer", "ingest_aliases"):
        return re.sub(r'(?<=[^\[,])"(?=[,\]])', f'_{_IN_TEXT}"', text)

    def mark(found: re.Match[str]) -> str:
        if found[1] is None:
            return f"{found[0]}_{_IN_TEXT}"
        return found[0] if found[0] in shared else _IN_ID + found[1]

    marked = _IDENTITY.sub(mark, text)
    suffix = _SUFFIXES.get((name, column))
    return text + suffix if suffix and marked == text else marked


def _placed(text: Any, number: int) -> str:
    return text.replace(_IN_ID, f"{number:08x}").replace(_IN_TEXT, str(number))


def aggregated_events(state: AccountState, transfers: list[datetime]) -> list[Event]:
    """Merge events that metrics count alike. Quantities add up, the rest is the first one's.

    Merged events have one sender, billing period and transfer, and are all on time or all late, so
    that the sums of periods and transfers stay the same. Properties that no metric filters by
    (regions, users) are merged. All metrics are sums. Events without a metric stay as they are.
    """
    metrics = {
        event_type: metric
        for metric in state.catalog.metrics.values()
        for event_type in metric["event_type_filter"]["in_values"]
    }
    borders = _borders(state)
    merged: dict[Any, Event] = {}
    for event in state.events:
        metric = metrics.get(event.event_type)
        if metric is None:
            merged[event.transaction_id] = event
            continue
        summed = metric["aggregation_key"]
        key = (
            *(event.customer, event.event_type),
            *(
                event.properties.get(item["name"])
                for item in metric["property_filters"]
                if item["name"] != summed
            ),
            bisect_right(borders.get(event.customer, []), event.timestamp),
            bisect_left(transfers, event.received_at),
            is_late(event),
        )
        held = merged.get(key)
        if held is None:
            merged[key] = event
        else:
            amount = Decimal(held.properties[summed]) + Decimal(event.properties[summed])
            properties = {**held.properties, summed: str(plain(amount))}
            merged[key] = held._replace(properties=properties)
    return list(merged.values())


def _borders(state: AccountState) -> dict[str, list[datetime]]:
    """Return the bounds of billing periods, by every sender of a customer's events."""
    borders: dict[str, list[datetime]] = {}
    for customer in state.customers:
        moments = {
            to_time(invoice[side])
            for invoice in state.invoices_by_customer.get(customer["id"], [])
            for side in ("start_timestamp", "end_timestamp")
            if side in invoice
        }
        for sender in (customer["id"], *customer["ingest_aliases"]):
            borders[sender] = sorted(moments)
    return borders


def write_replicas(account: Account, scale: int, folder: Path) -> list[Path]:
    """Write the export of an account whose customers occur `scale` times, and return its files."""
    if scale == 1:
        return write_export(account, folder)
    written = list(_write(account, scale, folder))
    remove_others(folder, written)
    return written


def _write(account: Account, scale: int, folder: Path) -> Iterator[Path]:
    starts = [start for start in transfers(account.now) if start >= _FIRST_TRANSFER]
    starts = starts or [account.now]
    tables = table_rows(account, starts)
    copied = tables | {"events": _aggregated_event_rows(account, starts)}
    shared = _shared_ids(account, tables)
    for name, rows in tables.items():
        to_copy = dict(by_transfer(name, copied[name], starts))
        for transfer, delivered in by_transfer(name, rows, starts):
            copies = Copies(name, to_copy.get(transfer, []), shared)
            for part, numbers in enumerate(_parts(name, scale, len(copies.marked))):
                tables_of_part = _part_tables(name, [] if part else delivered, copies, numbers)
                yield write_part(folder, name, transfer, part, tables_of_part)


def _parts(name: str, scale: int, rows: int) -> list[range]:
    """Split the replicas that have rows of a table into one range per file, at least one."""
    if name in _CATALOG:
        return [range(0)]
    numbers = range(1, scale)
    if "breakdowns" in name:
        numbers = range(_BROKEN_DOWN, scale, _BROKEN_DOWN)
    step = max(1, ROWS_PER_FILE // max(1, rows))
    return [numbers[first : first + step] for first in range(0, max(1, len(numbers)), step)]


def _part_tables(name: str, rows: list[Row], copies: Copies, numbers: range) -> Iterator[pa.Table]:
    """Yield the rows of replica 0, if any, then those of the others."""
    if rows:
        yield pa.Table.from_pylist(rows, schema=SCHEMAS[name])
    yield from copies.tables(numbers, SCHEMAS[name], ROWS_AT_ONCE)


def _shared_ids(account: Account, tables: dict[str, list[Row]]) -> frozenset[str]:
    """Return the ids that all replicas share: the catalog's and the alerts'."""
    ids = {key for state in account.states.values() for key in _catalog_ids(state.catalog)}
    return frozenset(ids | {row["id"] for row in tables["alert"]})


def _aggregated_event_rows(account: Account, starts: list[datetime]) -> list[Row]:
    return [
        event_row(event, environment)
        for environment, state in account.states.items()
        for event in aggregated_events(state, starts)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replicas", description=__doc__)
    parser.add_argument("--scale", type=int, default=1, help="how many times each customer occurs")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("export", help="write the export").add_argument("folder", type=Path)
    commands.add_parser("serve", help="serve the API, with the options of `sandbox serve`")
    options, others = parser.parse_known_args(arguments)
    if options.command == "serve":
        return sandbox(["serve", *others], partial(replicated, scale=options.scale))
    write_replicas(simulate(), options.scale, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
