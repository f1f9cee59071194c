"""Meter usage: the quantities that billable metrics make of events."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.core.records import Event, Record, total

LATE_AFTER = timedelta(days=3)
"""Events received longer after their time than this miss the invoice of their period."""


def is_late(event: Event) -> bool:
    """Tell whether an event was received too late for the invoice of its period."""
    return event.received_at - event.timestamp > LATE_AFTER


def is_known(event: Event, now: datetime) -> bool:
    """Tell whether an event has happened by `now`, and a late one has been received."""
    return event.received_at <= now if is_late(event) else event.timestamp < now


class Meter:
    """Finds the customer and the metric that count an event."""

    def __init__(self, metrics: Iterable[Record], owners: dict[str, str]) -> None:
        """Prepare for `metrics`; `owners` maps every alias and customer id to a customer id."""
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

    def read(self, event: Event) -> tuple[tuple[str, str], Decimal] | None:
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
    """Quantities by customer, metric and day of UTC, summed over the events each metric accepts."""

    def __init__(self, meter: Meter) -> None:
        """Begin without events."""
        self._meter = meter
        # By whether late events count, then by customer and metric: the quantity of each day.
        self._days: dict[bool, dict[tuple[str, str], dict[datetime, Decimal]]]
        self._days = {True: {}, False: {}}

    def add(self, event: Event) -> None:
        """Count an event; one without a metric or of an unknown sender counts nowhere."""
        counted = self._meter.read(event)
        if counted is None:
            return
        key, amount = counted
        day = event.timestamp.replace(hour=0, minute=0, second=0, microsecond=0)
        for counts_late in (True,) if is_late(event) else (True, False):
            days = self._days[counts_late].setdefault(key, {})
            days[day] = days[day] + amount if day in days else amount

    def quantity(
        self, owner: str, metric_id: str, start: datetime, end: datetime, late: bool = True
    ) -> Decimal:
        """The sum over whole days of [start, end), on request without late events."""
        days = self.days(owner, metric_id, late)
        return total([amount for day, amount in days.items() if start <= day < end])

    def days(self, owner: str, metric_id: str, late: bool = True) -> dict[datetime, Decimal]:
        """Return the quantity of each day with events, on request without late events."""
        return self._days[late].get((owner, metric_id), {})
