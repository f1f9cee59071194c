"""Endpoints for usage by customer and metric: total, by day or hour, and by group."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, overload

from sandbox.api.arguments import ApiError, Arguments
from sandbox.api.endpoint import Endpoint
from sandbox.api.paging import QUERY_WITHOUT_LIMIT
from sandbox.api.view import View, find
from sandbox.core.records import Record, plain, to_text, to_time
from sandbox.core.usage_index import WINDOWS, Quantities, measured

ROWS_PER_PAGE = 500


class UsageRows(Sequence[Record]):
    """The rows of a usage list, created page by page: a large account has millions."""

    def __init__(
        self,
        view: View,
        pairs: list[tuple[str, Record]],
        windows: list[tuple[datetime, datetime]],
        size: str,
        group_bys: dict[str, Record],
    ) -> None:
        """List `windows` for each pair of customer id and metric.

        Args:
            view: Has the usage.
            pairs: Customer ids and metrics, in the order of the list.
            windows: Starts and ends, in order.
            size: HOUR, DAY or NONE.
            group_bys: By metric id, the `key` and perhaps `values` to group by.
        """
        self._view, self._pairs, self._windows = view, pairs, windows
        self._size, self._group_bys = size, group_bys
        self._texts = [tuple(to_text(side, "+00:00") for side in window) for window in windows]

    def __len__(self) -> int:
        return len(self._pairs) * len(self._windows)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | list[Record]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        pair, window = divmod(place, len(self._windows))
        customer_id, metric = self._pairs[pair]
        (start, end), (start_text, end_text) = self._windows[window], self._texts[window]
        metered_id = self._view.metered_as(customer_id)
        quantities = self._quantities(metered_id, metric["id"])
        row = {
            "customer_id": customer_id,
            "billable_metric_id": metric["id"],
            "billable_metric_name": metric["name"],
            "start_timestamp": start_text,
            "end_timestamp": end_text,
            "value": _value(quantities, start, end, self._size),
        }
        if group_by := self._group_bys.get(metric["id"]):
            row["groups"] = self._groups(metered_id, metric["id"], group_by, start, end)
        return row

    def _quantities(self, metered_id: str, metric_id: str) -> Quantities:
        size = "DAY" if self._size == "NONE" else self._size
        return self._view.usage.windows(metered_id, metric_id, size)

    def _groups(
        self, metered_id: str, metric_id: str, group_by: Record, start: datetime, end: datetime
    ) -> dict[str, Decimal]:
        keys = [group_by["key"]]
        found = self._view.usage.grouped(metered_id, metric_id, "NONE", keys, start, end)
        wanted = group_by.get("values")
        return {
            value: plain(quantities[start])
            for (value,), quantities in found.items()
            if not wanted or value in wanted
        }


def list_usage(view: View, call: Arguments) -> Sequence[Record]:
    """List usage by customer, metric and window. Usage is null in a window without usage.

    A customer without any usage of a metric is listed only if both are requested by id. Windows
    that begin after now are left out.
    """
    start, end = _whole_days(call["starting_on"], call["ending_before"])
    asked = {item["id"]: item for item in call.get("billable_metrics", [])}
    metrics = [_metric(view, key) for key in asked] or list(view.catalog.metrics.values())
    group_bys = {key: item["group_by"] for key, item in asked.items() if "group_by" in item}
    for key, group_by in group_bys.items():
        _check_group_keys(_metric(view, key), [group_by["key"]])
    for customer_id in call.get("customer_ids", []):
        view.customer(customer_id)
    every = bool(asked and call.get("customer_ids"))
    pairs = [
        (customer_id, metric)
        for customer_id in call.get("customer_ids") or view.customers
        for metric in metrics
        if every or view.usage.has(view.metered_as(customer_id), metric["id"])
    ]
    windows = _windows(start, end, call["window_size"], view.now)
    return UsageRows(view, pairs, windows, call["window_size"], group_bys)


def list_groups(view: View, call: Arguments) -> list[Record]:
    """List a customer's usage of a metric by window and group. It is null in a group without usage.

    Only groups with usage in the requested time are listed.
    """
    start, end = _group_range(view, call)
    metric = _metric(view, call["billable_metric_id"])
    metered_id = view.metered_as(view.customer(call["customer_id"])["id"])
    keys, filters = _group_keys(call)
    _check_group_keys(metric, keys)
    size = call["window_size"]
    groups = view.usage.grouped(metered_id, metric["id"], size, keys, start, end)
    if not keys:
        groups = groups or {(): {}}
    rows = []
    for window_start, window_end in _windows(start, end, size, view.now):
        for values, quantities in groups.items():
            group = dict(zip(keys, values, strict=True))
            if any(wanted and group[key] not in wanted for key, wanted in filters.items()):
                continue
            quantity = quantities.get(window_start)
            row = {
                "starting_on": to_text(window_start, "+00:00"),
                "ending_before": to_text(window_end, "+00:00"),
                "group_key": keys[0] if len(keys) == 1 else None,
                "group_value": values[0] if len(keys) == 1 else None,
                "value": None if quantity is None else plain(quantity),
            }
            rows.append(row | ({"group": group} if keys else {}))
    return rows


def _value(quantities: Quantities, start: datetime, end: datetime, size: str) -> Decimal | None:
    if size == "NONE":
        return measured(quantities, start, end)
    quantity = quantities.get(start)
    return None if quantity is None else plain(quantity)


def _metric(view: View, metric_id: str) -> Record:
    return find(view.catalog.metrics.values(), metric_id, "Billable metric")


def _whole_days(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    for moment in (start, end):
        if moment != moment.replace(hour=0, minute=0, second=0, microsecond=0):
            raise ApiError(400, "starting_on and ending_before must be midnight UTC")
    if end - start < timedelta(days=1):
        raise ApiError(400, "ending_before must be at least a day after starting_on")
    return start, end


def _windows(
    start: datetime, end: datetime, size: str, now: datetime
) -> list[tuple[datetime, datetime]]:
    if size == "NONE":
        return [(start, end)]
    length = WINDOWS[size]
    count = (min(end, max(now, start)) - start + length - timedelta.resolution) // length
    return [(start + number * length, start + (number + 1) * length) for number in range(count)]


def _group_range(view: View, call: Arguments) -> tuple[datetime, datetime]:
    """Return the requested dates, or the customer's current billing period."""
    dated = {"starting_on", "ending_before"} & call.keys()
    if not call.get("current_period", False):
        if len(dated) < 2:
            raise ApiError(400, "starting_on and ending_before, or current_period, are required")
        return _whole_days(call["starting_on"], call["ending_before"])
    if dated:
        raise ApiError(400, "current_period excludes starting_on and ending_before")
    for invoice in view.invoices(call["customer_id"]):
        start, end = (to_time(invoice.get(f"{side}_timestamp")) for side in ("start", "end"))
        if invoice["status"] == "DRAFT" and start and start <= view.now < end:
            return start, end
    raise ApiError(400, "the customer has no active plan or contract")


def _group_keys(call: Arguments) -> tuple[list[str], dict[str, Any]]:
    """Return the requested group keys and values, from either form of the arguments."""
    if "group_by" in call:
        if "group_key" in call or "group_filters" in call:
            raise ApiError(400, "group_by excludes group_key and group_filters")
        return [call["group_by"]["key"]], {call["group_by"]["key"]: call["group_by"].get("values")}
    keys, filters = call.get("group_key", []), call.get("group_filters", {})
    if filters.keys() - set(keys):
        raise ApiError(400, "the keys of group_filters must be in group_key")
    return keys, filters


def _check_group_keys(metric: Record, keys: list[str]) -> None:
    """Require a compound group key to be complete: all of its keys and no others."""
    if keys and sorted(keys) not in [sorted(item) for item in metric.get("group_keys", [])]:
        raise ApiError(400, f"{metric['name']} has no group key of exactly {keys}")


_GROUP_BY = {"key!": "text", "values": "texts"}
_WINDOW = {"window_size!": "HOUR|DAY|NONE"}

ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/usage",
        list_usage,
        QUERY_WITHOUT_LIMIT._replace(default=ROWS_PER_PAGE),
        body={
            "customer_ids": "ids",
            "billable_metrics": [{"id!": "id", "group_by": _GROUP_BY}],
            "starting_on!": "time",
            "ending_before!": "time",
            **_WINDOW,
        },
    ),
    Endpoint(
        "POST",
        "/v1/usage/groups",
        list_groups,
        body={
            "customer_id!": "id",
            "billable_metric_id!": "id",
            "starting_on": "time",
            "ending_before": "time",
            "current_period": "flag",
            "group_by": _GROUP_BY,
            "group_key": "texts",
            "group_filters": "lists",
            **_WINDOW,
        },
    ),
]
