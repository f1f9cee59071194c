"""Meter usage: find the quantities that billable metrics count."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from sandbox.core.records import Event, Record, plain

LATE_AFTER = timedelta(days=3)
"""An event that is received later than this misses the invoice of its period."""


def is_late(event: Event) -> bool:
    """Return whether an event was received too late for the invoice of its period."""
    return event.received_at - event.timestamp > LATE_AFTER


def is_known(event: Event, now: datetime) -> bool:
    """Return whether an event has happened by `now` and, if it is late, was received."""
    return event.received_at <= now if is_late(event) else event.timestamp < now


Counted = tuple[str, str]
"""The ids of a customer and of a metric that counts its events."""


class Meter:
    """Find the customer and the metric that count an event."""

    def __init__(self, metrics: Iterable[Record], owners: dict[str, str]) -> None:
        """Prepare for `metrics`. `owners` maps every alias and customer id to a customer id."""
        self._owners = owners
        # Every metric of the catalog names one event type and one property with listed values:
        # by event type the property, and by its value the metric's id and the property to add up.
        self._metrics: dict[str, tuple[str, dict[str | None, tuple[str, str]]]] = {}
        for metric in metrics:
            (event_type,) = metric["event_type_filter"]["in_values"]
            listed = metric["property_filters"][1]
            _, by_value = self._metrics.setdefault(event_type, (listed["name"], {}))
            for value in listed["in_values"]:
                by_value[value] = metric["id"], metric["aggregation_key"]

    def read(self, event: Event) -> tuple[Counted, Decimal] | None:
        """Return the customer and the metric of an event, and its quantity.

        Returns None for an event that has no metric, or whose sender is unknown.
        """
        owner = self._owners.get(event.customer)
        if owner is None or event.event_type not in self._metrics:
            return None
        name, by_value = self._metrics[event.event_type]
        found = by_value.get(event.properties.get(name))
        if found is None:
            return None
        metric_id, summed = found
        return (owner, metric_id), Decimal(event.properties[summed])


class Usage:
    """Sum the quantities of events by customer, metric and UTC day."""

    def __init__(self, meter: Meter) -> None:
        """Start without events."""
        self._meter = meter
        # The quantity of each day, by whether late events count and by customer and metric.
        self._days: dict[bool, dict[Counted, dict[datetime, Decimal]]] = {True: {}, False: {}}
        self._late: list[tuple[datetime, Counted, datetime, Decimal]] = []
        # By late, customer and metric: the days, and the running sums before each day and in total.
        self._sums: dict[tuple[bool, str, str], tuple[list[datetime], list[Decimal]]] = {}

    def add(self, event: Event) -> None:
        """Count an event. An event without a metric or from an unknown sender is ignored."""
        found = self._meter.read(event)
        if found is None:
            return
        counted, amount = found
        day = event.timestamp.replace(hour=0, minute=0, second=0, microsecond=0)
        if is_late(event):
            self._late.append((event.received_at, counted, day, amount))
        else:
            self._add(False, counted, day, amount)
        self._add(True, counted, day, amount)

    def as_of(self, midnight: datetime) -> "Usage":
        """Return the usage that was known at the start of a day of UTC."""
        usage = Usage(self._meter)
        for counted, days in self._days[False].items():
            known = {day: amount for day, amount in days.items() if day < midnight}
            usage._days[False][counted], usage._days[True][counted] = known, dict(known)
        for received_at, *late in self._late:
            if received_at <= midnight:
                usage._add(True, *late)
        return usage

    def _add(self, late: bool, counted: Counted, day: datetime, amount: Decimal) -> None:
        self._sums.pop((late, *counted), None)
        days = self._days[late].setdefault(counted, {})
        days[day] = days[day] + amount if day in days else amount

    def quantity(
        self, owner: str, metric_id: str, start: datetime, end: datetime, late: bool = True
    ) -> Decimal:
        """Return the sum over the days in [start, end), without late events if requested."""
        key = (late, owner, metric_id)
        if key not in self._sums:
            days = sorted(self.days(owner, metric_id, late).items())
            amounts = accumulate((amount for _, amount in days), initial=Decimal(0))
            self._sums[key] = [day for day, _ in days], list(amounts)
        days, sums = self._sums[key]
        return plain(sums[bisect_left(days, end)] - sums[bisect_left(days, start)])

    def days(self, owner: str, metric_id: str, late: bool = True) -> dict[datetime, Decimal]:
        """Return the quantity of each day with events, without late events if requested."""
        return self._days[late].get((owner, metric_id), {})
