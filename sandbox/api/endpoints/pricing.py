"""Endpoints for pricing units, metrics, products, rate cards, rates and packages."""

from collections.abc import Iterable

from sandbox.api.arguments import ApiError, Arguments
from sandbox.api.endpoint import Endpoint
from sandbox.api.paging import QUERY
from sandbox.api.rates import chosen
from sandbox.api.view import View, find
from sandbox.core.records import Record, to_time

METRICS_PER_PAGE = 10


def list_credit_types(view: View, call: Arguments) -> list[Record]:
    """List all pricing units."""
    return list(view.catalog.credit_types.values())


def list_metrics(view: View, call: Arguments) -> list[Record]:
    """List billable metrics, with archived metrics if requested."""
    archived = call.get("include_archived", False)
    return [
        metric
        for metric in view.catalog.metrics.values()
        if archived or not metric.get("archived_at")
    ]


def list_products(view: View, call: Arguments) -> list[Record]:
    """List contract products by archive state."""
    return _by_archive_state(view.catalog.contract_products.values(), call)


def list_rate_cards(view: View, call: Arguments) -> list[Record]:
    """List rate cards, without their rates."""
    return view.catalog.rate_cards


def list_rates(view: View, call: Arguments) -> list[Record]:
    """List the rates of a rate card at an instant."""
    card = find(view.catalog.rate_cards, call["rate_card_id"], "Rate card")
    at = call["at"]
    return [
        rate
        for rate in chosen(view.catalog.rates[card["id"]], call.get("selectors"))
        if to_time(rate["starting_at"]) <= at
        and ("ending_before" not in rate or at < to_time(rate["ending_before"]))
    ]


def list_rate_schedule(view: View, call: Arguments) -> list[Record]:
    """List the rates of a rate card that are valid in [starting_at, ending_before)."""
    card = find(view.catalog.rate_cards, call["rate_card_id"], "Rate card")
    start, end = call["starting_at"], call.get("ending_before")
    return [
        rate
        for rate in chosen(view.catalog.rates[card["id"]], call.get("selectors"))
        if ("ending_before" not in rate or to_time(rate["ending_before"]) > start)
        and (end is None or to_time(rate["starting_at"]) < end)
    ]


def list_packages(view: View, call: Arguments) -> list[Record]:
    """List packages by archive state."""
    return _by_archive_state(view.catalog.packages, call)


def list_package_contracts(view: View, call: Arguments) -> list[Record]:
    """List the contracts made from a package, by customer. An unknown package is a 400."""
    if not any(item["id"] == call["package_id"] for item in view.catalog.packages):
        raise ApiError(400, f"Package {call['package_id']} not found", "PackageNotFound")
    covering, after = call.get("covering_date"), call.get("starting_at")
    if covering and after:
        raise ApiError(400, "covering_date excludes starting_at", "InvalidArgument")
    fields = ("customer_id", "starting_at", "ending_before", "archived_at")
    return [
        {"contract_id": item["id"], **{key: item[key] for key in fields if item.get(key)}}
        for state in view.parts
        for contracts in state.contracts.values()
        for item in contracts
        if item.get("package_id") == call["package_id"]
        and (call.get("include_archived", False) or not item.get("archived_at"))
        and (covering is None or covers(item, covering))
        and (after is None or to_time(item["starting_at"]) >= after)
    ]


def covers(record: Record, moment: object) -> bool:
    """Return whether an instant is in a record's [starting_at, ending_before)."""
    start, end = to_time(record["starting_at"]), to_time(record.get("ending_before"))
    return start <= moment and (end is None or moment < end)


def _by_archive_state(records: Iterable[Record], call: Arguments) -> list[Record]:
    state = call.get("archive_filter", "NOT_ARCHIVED")
    return [
        record
        for record in records
        if state == "ALL" or bool(record.get("archived_at")) == (state == "ARCHIVED")
    ]


_PRICING = "/v1/contract-pricing"
_ARCHIVE = {"archive_filter": "ARCHIVED|NOT_ARCHIVED|ALL"}
_SELECTORS = [
    {
        "billing_frequency": "MONTHLY|QUARTERLY|ANNUAL|WEEKLY",
        "product_id": "id",
        "product_tags": "texts",
        "pricing_group_values": "map",
        "partial_pricing_group_values": "map",
    }
]

ENDPOINTS = [
    Endpoint("GET", "/v1/credit-types/list", list_credit_types),
    Endpoint(
        "GET",
        "/v1/billable-metrics",
        list_metrics,
        query={"include_archived": "flag"},
        fits=lambda call, rows: METRICS_PER_PAGE,
    ),
    Endpoint("POST", f"{_PRICING}/products/list", list_products, body=_ARCHIVE),
    Endpoint("POST", f"{_PRICING}/rate-cards/list", list_rate_cards),
    Endpoint(
        "POST",
        f"{_PRICING}/rate-cards/getRates",
        list_rates,
        body={"rate_card_id!": "id", "at!": "time", "selectors": _SELECTORS},
    ),
    Endpoint(
        "POST",
        f"{_PRICING}/rate-cards/getRateSchedule",
        list_rate_schedule,
        body={
            "rate_card_id!": "id",
            "starting_at!": "time",
            "ending_before": "time",
            "selectors": _SELECTORS,
        },
    ),
    Endpoint("POST", "/v1/packages/list", list_packages, QUERY._replace(default=10), body=_ARCHIVE),
    Endpoint(
        "POST",
        "/v1/packages/listContractsOnPackage",
        list_package_contracts,
        body={
            "package_id!": "id",
            "starting_at": "time",
            "covering_date": "time",
            "include_archived": "flag",
        },
    ),
]
