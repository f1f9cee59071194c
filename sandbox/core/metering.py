"""Meter usage: the quantities that billable metrics make of events."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.core.records import Event, Record, total

LATE_AFTER = timedelta(days=3)
"""Events received longer after their time than this miss the invoice of their period."""


def is_known(event: Event, now: datetime) -> bool:
    """Whether an event has happened, and a late one has been received."""
    late = event.received_at - event.timestamp > LATE_AFTER
    return event.received_at <= now if late else event.timestamp < now


class Usage:
    """Quantities by customer, metric and day of UTC, summed over the events each metric accepts."""

    def __init__(self, metrics: Iterable[Record], owners: dict[str, str]) -> None:
        """Prepare for `metrics`; `owners` maps every alias and customer id to a customer id."""
        self._owners = owners
        self._days: dict[tuple[str, str], dict[datetime, list[Decimal]]] = {}
        # Every metric of the catalog names one event type and one property with listed values.
        self._metrics: dict[tuple[str, str, str], Record] = {}
        self._filters: dict[str, str] = {}
        for metric in metrics:
            (event_type,) = metric["event_type_filter"]["in_values"]
            listed = metric["property_filters"][1]
            self._filters[event_type] = listed["name"]
            for value in listed["in_values"]:
                self._metrics[event_type, listed["name"], value] = metric

    def add(self, event: Event) -> None:
        """Count an event; one without a metric or of an unknown sender counts nowhere."""
        name = self._filters.get(event.event_type, "")
        metric = self._metrics.get((event.event_type, name, event.properties.get(name, "")))
        owner = self._owners.get(event.customer)
        if metric and owner:
            days = self._days.setdefault((owner, metric["id"]), {})
            day = event.timestamp.replace(hour=0, minute=0, second=0, microsecond=0)
            amounts = days.setdefault(day, [Decimal(0), Decimal(0)])
            late = event.received_at - event.timestamp > LATE_AFTER
            amounts[late] += Decimal(event.properties[metric["aggregation_key"]])

    def quantity(
        self, owner: str, metric_id: str, start: datetime, end: datetime, late: bool = True
    ) -> Decimal:
        """The sum over whole days of [start, end), on request without late events."""
        days = self.days(owner, metric_id, late)
        return total(amount for day, amount in days.items() if start <= day < end)

    def days(self, owner: str, metric_id: str, late: bool = True) -> dict[datetime, Decimal]:
        """The quantity of each day with events, on request without late events."""
        days = self._days.get((owner, metric_id), {})
        return {
            day: on_time + behind if late else on_time for day, (on_time, behind) in days.items()
        }
