"""Endpoints of the deprecated plans model: plans, credit grants, ledgers, costs."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sandbox.api.arguments import ApiError, Arguments
from sandbox.api.endpoint import Endpoint
from sandbox.api.endpoints.invoices import broken_down
from sandbox.api.paging import QUERY_WITHOUT_LIMIT
from sandbox.api.view import View, find
from sandbox.billing.grant_ledgers import ledger_window
from sandbox.core.records import Record, plain, to_time, total

RENEWAL_PERIODS = 12
"""The billing period after which the price adjustments of the second year begin."""

RENEWAL_DISCOUNT = Decimal(-5)
"""The price adjustment in the second year, in percent."""


def list_plans(view: View, call: Arguments) -> list[Record]:
    """List all plans."""
    return list(view.catalog.plans.values())


def get_plan(view: View, call: Arguments) -> Record:
    """Return one plan."""
    return find(view.catalog.plans.values(), call["plan_id"], "Plan")


def list_charges(view: View, call: Arguments) -> list[Record]:
    """List the charges of a plan, without the metric of a usage charge."""
    plan = get_plan(view, call)
    return [
        {key: value for key, value in charge.items() if key not in ("plan_id", "billable_metric")}
        for charge in view.catalog.plan_charges
        if charge["plan_id"] == plan["id"]
    ]


def list_plan_customers(view: View, call: Arguments) -> list[Record]:
    """List the past, present or future customers of a plan."""
    plan = get_plan(view, call)
    wanted = call.get("status", "active")
    return [
        {
            "customer_details": view.customers[customer_id][0],
            "plan_details": {
                "id": plan["id"],
                "name": plan["name"],
                "customer_plan_id": item["id"],
                "custom_fields": item["custom_fields"],
                "starting_on": item["starting_on"],
                **({"ending_before": item["ending_before"]} if "ending_before" in item else {}),
            },
        }
        for state in view.parts
        for customer_id, items in state.customer_plans.items()
        for item in items
        if item["plan_id"] == plan["id"] and wanted in ("all", _state(item, view.now))
    ]


def list_customer_plans(view: View, call: Arguments) -> list[Record]:
    """List the current and past plans of a customer, newest first."""
    plans = view.state(call["customer_id"]).customer_plans.get(call["customer_id"], [])
    return sorted(plans, key=lambda plan: to_time(plan["starting_on"]), reverse=True)


def list_price_adjustments(view: View, call: Arguments) -> list[Record]:
    """List a customer's price adjustments, which lower the prices from the second year on.

    Only open-ended plans have them, and no invoice of the first year shows them.
    """
    customer_plan = find(list_customer_plans(view, call), call["customer_plan_id"], "Customer plan")
    if "ending_before" in customer_plan:
        return []
    return [
        {
            "charge_id": charge["id"],
            "charge_type": charge["charge_type"],
            "start_period": RENEWAL_PERIODS,
            "prices": [
                {
                    "adjustment_type": "percentage",
                    "tier": price["tier"],
                    "value": RENEWAL_DISCOUNT,
                }
                for price in charge["prices"]
            ],
        }
        for charge in view.catalog.plan_charges
        if charge["plan_id"] == customer_plan["plan_id"]
    ]


def list_costs(view: View, call: Arguments) -> list[Record]:
    """List the costs of a customer's plan by day and pricing unit, before credit grants."""
    days: dict[tuple[str, str], Record] = {}
    for invoice, rows in broken_down(view, call["customer_id"], "DAY", call):
        if "plan_id" not in invoice:
            continue
        for row in rows:
            key = (row["breakdown_start_timestamp"], row["breakdown_end_timestamp"])
            units = days.setdefault(key, {})
            unit = units.setdefault(
                invoice["credit_type"]["id"],
                {"name": invoice["credit_type"]["name"], "cost": 0, "line_item_breakdown": []},
            )
            lines = list(_cost_lines(row))
            unit["cost"] = total([unit["cost"], *(line["cost"] for line in lines)])
            unit["line_item_breakdown"] += lines
    return [
        {"start_timestamp": start, "end_timestamp": end, "credit_types": days[start, end]}
        for start, end in sorted(days)
    ]


def list_grants(view: View, call: Arguments) -> list[Record]:
    """List credit grants, filtered by customers, pricing units or ids."""
    if "credit_grant_ids" in call and ("customer_ids" in call or "credit_type_ids" in call):
        raise ApiError(400, "credit_grant_ids excludes customer_ids and credit_type_ids")
    before, expiring = call.get("effective_before"), call.get("not_expiring_before")
    return [
        grant
        for grant in view.grants
        if grant["id"] in call.get("credit_grant_ids", [grant["id"]])
        and grant["customer_id"] in call.get("customer_ids", [grant["customer_id"]])
        and _unit_wanted(grant["grant_amount"]["credit_type"], call)
        and (before is None or to_time(grant["effective_at"]) < before)
        and (expiring is None or to_time(grant["expires_at"]) >= expiring)
    ]


def list_entries(view: View, call: Arguments) -> list[Record]:
    """List credit ledgers, one row per customer."""
    start, end = call.get("starting_on"), call.get("ending_before")
    if end and end > view.now:
        raise ApiError(400, "ending_before must not be in the future")
    for customer_id in call.get("customer_ids", []):
        view.customer(customer_id)
    rows = []
    for row in view.ledgers:
        if row["customer_id"] in call.get("customer_ids", [row["customer_id"]]):
            ledgers = [
                _sorted_ledger(ledger, call, start, end)
                for ledger in row["ledgers"]
                if _unit_wanted(ledger["credit_type"], call)
            ]
            rows.append({**row, "ledgers": ledgers})
    return rows


def _state(customer_plan: Record, now: datetime) -> str:
    if to_time(customer_plan["starting_on"]) > now:
        return "upcoming"
    end = to_time(customer_plan.get("ending_before"))
    return "ended" if end and end <= now else "active"


def _cost_lines(row: Record) -> Iterator[Record]:
    """List the costs of a day by charge, except zero costs."""
    for line in row["line_items"]:
        for sub in line["sub_line_items"]:
            if sub["subtotal"]:
                yield {"name": sub["name"], "cost": sub["subtotal"]}
    for adjustment in row["invoice_adjustments"]:
        if adjustment["total"] > 0:
            yield {"name": adjustment["name"], "cost": plain(adjustment["total"])}


def _unit_wanted(credit_type: Record, call: Arguments) -> bool:
    return credit_type["id"] in call.get("credit_type_ids", [credit_type["id"]])


def _sorted_ledger(
    ledger: Record, call: Arguments, start: datetime | None, end: datetime | None
) -> Record:
    parts = (ledger["credit_type"], ledger["entries"], ledger["pending_entries"])
    closing_at = to_time(ledger["ending_balance"]["effective_at"])
    window = ledger_window(*parts, closing_at, start, end)
    if call.get("sort") == "desc":
        for key in ("entries", "pending_entries"):
            window[key] = window[key][::-1]
    return window


_PLAN = "/v1/planDetails/{plan_id}"
_CUSTOMER = "/v1/customers/{customer_id}"
_CREDITS = "/v1/credits"

ENDPOINTS = [
    Endpoint("GET", "/v1/plans", list_plans),
    Endpoint("GET", _PLAN, get_plan, None),
    Endpoint("GET", f"{_PLAN}/charges", list_charges),
    Endpoint(
        "GET",
        f"{_PLAN}/customers",
        list_plan_customers,
        query={"status": "all|active|ended|upcoming"},
    ),
    Endpoint("GET", f"{_CUSTOMER}/plans", list_customer_plans),
    Endpoint(
        "GET",
        f"{_CUSTOMER}/plans/{{customer_plan_id}}/priceAdjustments",
        list_price_adjustments,
    ),
    Endpoint(
        "GET",
        f"{_CUSTOMER}/costs",
        list_costs,
        query={"starting_on!": "time", "ending_before!": "time"},
    ),
    Endpoint(
        "POST",
        f"{_CREDITS}/listGrants",
        list_grants,
        body={
            "customer_ids": "ids",
            "credit_type_ids": "ids",
            "credit_grant_ids": "ids",
            "effective_before": "time",
            "not_expiring_before": "time",
        },
    ),
    Endpoint(
        "POST",
        f"{_CREDITS}/listEntries",
        list_entries,
        QUERY_WITHOUT_LIMIT._replace(default=5),
        query={"sort": "asc|desc"},
        body={
            "customer_ids": "ids",
            "credit_type_ids": "ids",
            "starting_on": "time",
            "ending_before": "time",
        },
    ),
]
