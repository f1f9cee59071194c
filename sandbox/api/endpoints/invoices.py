"""Endpoints for invoices and their breakdowns by day or hour."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox.api.arguments import ApiError, Arguments
from sandbox.api.endpoint import Endpoint
from sandbox.api.paging import BODY
from sandbox.api.view import View, find
from sandbox.billing.breakdowns import joined, spread
from sandbox.core.records import Record, to_time

PAGE_SPAN = {"DAY": timedelta(days=35), "HOUR": timedelta(hours=24)}
"""The longest time between the first and last window of a page of breakdowns."""


def list_invoices(view: View, call: Arguments) -> list[Record]:
    """List a customer's invoices with their lines, VOID invoices included, by `issued_at`.

    Dates select billing periods within [starting_on, ending_before]. They exclude invoices without
    a period (SCHEDULED).
    """
    after, before = call.get("starting_on"), call.get("ending_before")

    def wanted(invoice: Record) -> bool:
        start, end = to_time(invoice.get("start_timestamp")), to_time(invoice.get("end_timestamp"))
        return (
            call.get("status", invoice["status"]).upper() == invoice["status"]
            and call.get("type", invoice["type"]) == invoice["type"]
            and call.get("contract_id") in (None, invoice.get("contract_id"))
            and call.get("credit_type_id") in (None, invoice["credit_type"]["id"])
            and (after is None or (start is not None and start >= after))
            and (before is None or (end is not None and end <= before))
        )

    found = filter(wanted, view.invoices(call["customer_id"]))
    return [_lines_of(invoice, call) for invoice in _by_issue(found, call)]


def get_invoice(view: View, call: Arguments) -> Record:
    """Return one invoice of a customer."""
    invoices = view.invoices(call["customer_id"])
    return _lines_of(find(invoices, call["invoice_id"], "Invoice"), call)


def list_breakdowns(view: View, call: Arguments) -> list[Record]:
    """List a customer's invoices by window, without VOID invoices, by `issued_at` and window.

    The windows are those that begin within [starting_on, ending_before).
    """
    size = call.get("window_size", "DAY")
    return [
        _lines_of(row, call)
        for _, rows in broken_down(view, call["customer_id"], size, call)
        for row in rows
    ]


def list_spend(view: View, call: Arguments) -> list[Record]:
    """List a customer's charges per day or in total, before commits and credits."""
    unknown = call.get("group_filters", {}).keys() - set(call.get("group_keys", []))
    if unknown:
        raise ApiError(400, f"group_filters {sorted(unknown)} are not in group_keys")
    found = []
    for _, windows in broken_down(view, call["customer_id"], "DAY", call):
        rows = [_gross(row) for row in windows]
        if call.get("window_size") == "NONE" and rows:
            rows = [_added_up(rows)]
        found += [_lines_of(_spend(row, view, call), call) for row in rows]
    return found


def broken_down(
    view: View, customer_id: str, size: str, call: Arguments
) -> Iterator[tuple[Record, list[Record]]]:
    """Yield the requested invoices, each with the rows of its windows.

    Raises:
        ApiError: 404 for an unknown customer, 400 for dates in the wrong order.
    """
    start, end = call["starting_on"], call["ending_before"]
    if start >= end:
        raise ApiError(400, "starting_on must be before ending_before")

    def wanted(invoice: Record) -> bool:
        since = to_time(invoice.get("start_timestamp") or invoice["issued_at"])
        until = to_time(invoice.get("end_timestamp")) or since + timedelta(days=1)
        return (
            invoice["status"] != "VOID"
            and call.get("status", invoice["status"]).upper() == invoice["status"]
            and call.get("credit_type_id") in (None, invoice["credit_type"]["id"])
            and since - timedelta(days=1) < end
            and start < until
        )

    for invoice in _by_issue(filter(wanted, view.invoices(customer_id)), call):
        rows = view.breakdown(invoice, size)
        inside = [row for row in rows if start <= to_time(row["breakdown_start_timestamp"]) < end]
        yield invoice, inside


def windows_per_page(call: Arguments, rows: list[Record]) -> int:
    """Return how many rows fit on a page, which spans at most `PAGE_SPAN`."""
    span = PAGE_SPAN[call.get("window_size", "DAY")]
    starts: list[datetime] = []
    for number, row in enumerate(rows):
        starts.append(to_time(row["breakdown_start_timestamp"]))
        if max(starts) - min(starts) >= span:
            return number
    return len(rows)


def _by_issue(invoices: Any, call: Arguments) -> list[Record]:
    return sorted(
        invoices,
        key=lambda invoice: (to_time(invoice["issued_at"]), invoice["id"]),
        reverse=call.get("sort") == "date_desc",
    )


def _lines_of(invoice: Record, call: Arguments) -> Record:
    if not call.get("skip_zero_qty_line_items"):
        return invoice
    lines = [line for line in invoice["line_items"] if line.get("quantity") != 0]
    return {**invoice, "line_items": lines}


def _gross(row: Record) -> Record:
    """Return a window without the lines of applied commits and credits."""
    lines = [line for line in row["line_items"] if line["type"] != "applied_commit_or_credit"]
    return {**row, "line_items": lines}


def _added_up(rows: list[Record]) -> Record:
    """Merge the windows of an invoice and the parts of each line."""
    parts: dict[str, list[Record]] = {}
    for row in rows:
        for line in row["line_items"]:
            key = {name: line[name] for name in line if name not in _IN_PARTS}
            parts.setdefault(repr(key), []).append(line)
    return {
        **rows[0],
        "line_items": [joined(lines) for lines in parts.values()],
        "breakdown_end_timestamp": rows[-1]["breakdown_end_timestamp"],
    }


_IN_PARTS = ("quantity", "total", "sub_line_items")

_SPEND_FIELDS = (
    *("id", "customer_id", "credit_type", "start_timestamp", "end_timestamp", "issued_at"),
    *("created_at", "status", "type", "contract_id"),
    *("breakdown_start_timestamp", "breakdown_end_timestamp"),
)


def _spend(row: Record, view: View, call: Arguments) -> Record:
    """Return a row of gross spend with usage lines split by the requested group keys."""
    lines = row["line_items"]
    if keys := call.get("group_keys"):
        lines = [part for line in lines for part in _grouped(line, row, keys, view, call)]
    if call.get("include_list_prices"):
        lines = [_with_list_price(line) for line in lines]
    return {**{key: row[key] for key in _SPEND_FIELDS if key in row}, "line_items": lines}


def _grouped(
    line: Record, row: Record, keys: list[str], view: View, call: Arguments
) -> list[Record]:
    """Split a usage line by the values of group keys. Other lines stay whole.

    Filters drop other values and all lines without a value.
    """
    filters = {key: values for key, values in call.get("group_filters", {}).items() if values}
    metric_id = view.metric_of(line)
    if metric_id is None:
        return [] if filters else [line]
    window = [to_time(row[f"breakdown_{side}_timestamp"]) for side in ("start", "end")]
    customer_id = view.metered_as(row["customer_id"])
    groups = view.usage.grouped(customer_id, metric_id, "NONE", keys, *window)
    if not groups:
        return [] if filters else [line]
    weights = [quantities[window[0]] for quantities in groups.values()]
    parts = [
        {
            **line,
            "quantity": quantity,
            "total": amount,
            "presentation_group_values": dict(zip(keys, values, strict=True)),
        }
        for values, quantity, amount in zip(
            groups,
            spread(line["quantity"], weights),
            spread(line["total"], weights),
            strict=True,
        )
    ]
    return [
        part
        for part in parts
        if all(part["presentation_group_values"][key] in filters[key] for key in filters)
    ]


def _with_list_price(line: Record) -> Record:
    if "unit_price" not in line:
        return line
    price = {"rate_type": "FLAT", "price": line["unit_price"], "credit_type": line["credit_type"]}
    return {**line, "list_price": price}


_INVOICES = "/v1/customers/{customer_id}/invoices"
_SKIP = {"skip_zero_qty_line_items": "flag"}
_RANGE = {"starting_on!": "time", "ending_before!": "time"}
_FILTERS = {"credit_type_id": "id", "sort": "date_asc|date_desc", **_SKIP}

ENDPOINTS = [
    Endpoint(
        "GET",
        _INVOICES,
        list_invoices,
        query={
            "status": "text",
            "type": "USAGE|USAGE_CONSOLIDATED|SCHEDULED",
            "contract_id": "id",
            "starting_on": "time",
            "ending_before": "time",
            "include_historical_commit_invoices": "flag",
            **_FILTERS,
        },
    ),
    # Comes before the single invoice, whose path would match.
    Endpoint(
        "GET",
        f"{_INVOICES}/breakdowns",
        list_breakdowns,
        query={"status": "text", "window_size": "HOUR|DAY", **_RANGE, **_FILTERS},
        fits=windows_per_page,
    ),
    Endpoint(
        "POST",
        f"{_INVOICES}/spend-breakdowns",
        list_spend,
        BODY._replace(greatest=100, default=100),
        query={"include_list_prices": "flag"},
        body={
            "window_size": "DAY|NONE",
            "group_keys": "texts",
            "group_filters": "lists",
            **_RANGE,
            **_FILTERS,
        },
    ),
    Endpoint("GET", f"{_INVOICES}/{{invoice_id}}", get_invoice, None, query=_SKIP),
]
