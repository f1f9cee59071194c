"""Index usage by customer and metric: by event, hour, day and group key."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from sandbox.core.account import AccountState
from sandbox.core.metering import Meter, is_late
from sandbox.core.records import plain

WINDOWS = {"HOUR": timedelta(hours=1), "DAY": timedelta(days=1)}

Quantities = dict[datetime, Decimal]
"""Quantities by the start of their window; a window without usage is missing."""


class Use(NamedTuple):
    """An event as a metric counts it."""

    at: datetime
    amount: Decimal
    late: bool
    properties: dict[str, str]


class UsageIndex:
    """The usage of the customers of one environment, by metric."""

    def __init__(self, state: AccountState) -> None:
        """Count the events of `state`."""
        self._uses: dict[tuple[str, str], list[Use]] = defaultdict(list)
        owners = {
            sender: customer["id"]
            for customer in state.customers
            for sender in (customer["id"], *customer["ingest_aliases"])
        }
        meter = Meter(state.catalog.metrics.values(), owners)
        for event in state.events:
            if counted := meter.read(event):
                key, amount = counted
                use = Use(event.timestamp, amount, is_late(event), event.properties)
                self._uses[key].append(use)

    def uses(self, customer_id: str, metric_id: str) -> list[Use]:
        """Return the customer's usage of the metric by event, oldest first."""
        return self._uses.get((customer_id, metric_id), [])

    def has(self, customer_id: str, metric_id: str) -> bool:
        """Return whether the customer ever had usage of the metric."""
        return (customer_id, metric_id) in self._uses

    @lru_cache(maxsize=4096)  # noqa: B019 - an index lives as long as its server
    def windows(self, customer_id: str, metric_id: str, size: str, late: bool = True) -> Quantities:
        """Return quantities by HOUR or DAY of UTC, without late usage if requested."""
        found: Quantities = {}
        for use in self.uses(customer_id, metric_id):
            if late or not use.late:
                start = floor(use.at, size)
                found[start] = found.get(start, Decimal(0)) + use.amount
        return found

    def grouped(
        self,
        customer_id: str,
        metric_id: str,
        size: str,
        keys: list[str],
        start: datetime,
        end: datetime,
    ) -> dict[tuple[str, ...], Quantities]:
        """Return quantities in [start, end) by the values of group keys. NONE is one window."""
        found: dict[tuple[str, ...], Quantities] = defaultdict(lambda: defaultdict(Decimal))
        for use in self.uses(customer_id, metric_id):
            if start <= use.at < end and all(key in use.properties for key in keys):
                values = tuple(use.properties[key] for key in keys)
                found[values][start if size == "NONE" else floor(use.at, size)] += use.amount
        return {values: dict(found[values]) for values in sorted(found)}


def floor(moment: datetime, size: str) -> datetime:
    """Return the start of the window of UTC with an instant."""
    if size == "HOUR":
        return moment.replace(minute=0, second=0, microsecond=0)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def measured(quantities: Quantities, start: datetime, end: datetime) -> Decimal | None:
    """Add up the windows that start in [start, end). Returns None if there are none."""
    inside = [quantity for at, quantity in quantities.items() if start <= at < end]
    return plain(sum(inside, Decimal(0))) if inside else None
