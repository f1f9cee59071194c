"""Usage in fewer events, which bill the same."""

from bisect import bisect_left, bisect_right
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipelines.sandbox.account import Books, Event, plain, to_time
from pipelines.sandbox.usage import LATE_AFTER


def rolled_up(books: Books, transfers: list[datetime]) -> list[Event]:
    """Merge events that metrics count alike: the quantities add up, the rest is the first one's.

    Merged events are of one sender, one billing period and one transfer, and all in time or all
    late, so that what a period or a transfer sums up to stays the same. What no metric filters by
    (regions, users) is not kept apart. All metrics are sums; an event that none counts has nothing
    to be added up and stays as it is.
    """
    metrics = {
        event_type: metric
        for metric in books.catalog.metrics.values()
        for event_type in metric["event_type_filter"]["in_values"]
    }
    borders = _borders(books)
    merged: dict[Any, Event] = {}
    for event in books.events:
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
            event.received_at - event.timestamp > LATE_AFTER,
        )
        held = merged.get(key)
        if held is None:
            merged[key] = event
        else:
            amount = Decimal(held.properties[summed]) + Decimal(event.properties[summed])
            properties = {**held.properties, summed: str(plain(amount))}
            merged[key] = held._replace(properties=properties)
    return list(merged.values())


def _borders(books: Books) -> dict[str, list[datetime]]:
    """When billing periods begin and end, by every sender of a customer's events."""
    borders: dict[str, list[datetime]] = {}
    for customer in books.customers:
        moments = {
            to_time(invoice[side])
            for invoice in books.invoices_by_customer.get(customer["id"], [])
            for side in ("start_timestamp", "end_timestamp")
            if side in invoice
        }
        for sender in (customer["id"], *customer["ingest_aliases"]):
            borders[sender] = sorted(moments)
    return borders
