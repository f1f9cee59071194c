"""Compute the rows of every raw table independently, from the account and with another client."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import product
from typing import Any

import httpx

from sandbox.api.audit_log import audit_log
from sandbox.core.account import AccountState
from sandbox.core.records import Record, to_text, to_time
from tests.pipelines.conftest import (
    HISTORY_START,
    TOKEN,
)


class Asked:
    """The API's answers to a client that shares no code with the pipeline."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"})

    def rows(
        self,
        path: str,
        body: Record | None = None,
        cursor: str = "next_page",
        in_body: bool = False,
        **query: Any,
    ) -> list[Record]:
        """Return all pages of a list. With a body, it is a POST."""
        rows: list[Record] = []
        more: dict[str, str] = {}
        while True:
            answer = self.http.request(
                "GET" if body is None else "POST",
                path,
                params=query | ({} if in_body else more),
                json=None if body is None else body | (more if in_body else {}),
            )
            page = json.loads(answer.raise_for_status().content, parse_float=Decimal)
            data = page["data"] if "data" in page else page["services"]
            rows += data if isinstance(data, list) else [data]
            following = page.get("next_page") or page.get("pagination", {}).get("next_page")
            if not following or not data:
                return rows
            more = {cursor: following}


def nested(parents: Iterable[Record], path: str, position: str, **keys: str) -> list[Record]:
    """Return the rows of a nested list, with keys of their parents and their places."""
    found = []
    for parent in parents:
        holder: Any = parent
        for name in path.split("."):
            holder = (holder or {}).get(name)
        own = {column: parent[name] for column, name in keys.items()}
        found += [{**row, **own, position: place} for place, row in enumerate(holder or [], 1)]
    return found


def numbered(rows: Iterable[Record], position: str, **keys: Any) -> list[Record]:
    return [{**row, **keys, position: place} for place, row in enumerate(rows, 1)]


def records_of_the_account(books: AccountState) -> dict[str, list[Record]]:
    """Return the records of the account, by table."""
    hidden = {"balance", "ledger"}  # the balances have them
    contracts = [
        {
            **contract,
            "customer_id": customer_id,
            **{
                kind: [
                    {key: value for key, value in item.items() if key not in hidden}
                    for item in contract[kind]
                ]
                for kind in ("commits", "credits")
            },
        }
        for customer_id, items in books.contracts.items()
        for contract in items
    ]
    subscriptions = nested(contracts, "subscriptions", "subscription_number", **IN_CONTRACT)
    balances = [
        {**balance, "customer_id": customer_id}
        for customer_id, items in books.balances.items()
        for balance in items
    ]
    in_balance = {"balance_id": "id", "customer_id": "customer_id"}
    in_invoice = {"invoice_id": "id", "customer_id": "customer_id"}
    lines = nested(books.invoices, "line_items", "line_number", **in_invoice)
    grant = {"credit_grant_id": "id", "customer_id": "customer_id"}
    ledgers = [
        ledger
        for row in books.ledgers
        for ledger in nested([row], "ledgers", "ledger_number", customer_id="customer_id")
    ]
    in_ledger = {"customer_id": "customer_id", "ledger_number": "ledger_number"}
    return {
        "customers": books.customers,
        "pricing_units": list(books.catalog.credit_types.values()),
        "billable_metrics": list(books.catalog.metrics.values()),
        "products": list(books.catalog.contract_products.values()),
        "audit_logs": audit_log(books, books.now),
        "rate_cards": books.catalog.rate_cards,
        "rate_card_conversions": nested(
            books.catalog.rate_cards,
            "credit_type_conversions",
            "conversion_number",
            rate_card_id="id",
        ),
        "packages": books.catalog.packages,
        "plans": list(books.catalog.plans.values()),
        "plan_details": list(books.catalog.plans.values()),
        "customer_plans": [
            {**plan, "customer_id": customer_id}
            for customer_id, items in books.customer_plans.items()
            for plan in items
        ],
        "credit_grants": books.grants,
        "credit_grant_deductions": nested(books.grants, "deductions", "entry_number", **grant),
        "credit_grant_pending_deductions": nested(
            books.grants, "pending_deductions", "entry_number", **grant
        ),
        "credit_ledgers": ledgers,
        "credit_ledger_entries": nested(ledgers, "entries", "entry_number", **in_ledger),
        "credit_ledger_pending_entries": nested(
            ledgers, "pending_entries", "entry_number", **in_ledger
        ),
        "contracts": contracts,
        "contract_subscriptions": subscriptions,
        "contract_subscription_quantities": nested(
            subscriptions,
            "quantity_schedule",
            "quantity_number",
            subscription_id="id",
            contract_id="contract_id",
            customer_id="customer_id",
        ),
        "contract_overrides": nested(contracts, "overrides", "override_number", **IN_CONTRACT),
        "contract_scheduled_charges": nested(
            contracts, "scheduled_charges", "charge_number", **IN_CONTRACT
        ),
        "contract_discounts": nested(contracts, "discounts", "discount_number", **IN_CONTRACT),
        "contract_transitions": nested(
            contracts, "transitions", "transition_number", **IN_CONTRACT
        ),
        "contract_recurring_commits": nested(
            contracts, "recurring_commits", "recurring_commit_number", **IN_CONTRACT
        ),
        "contract_recurring_credits": nested(
            contracts, "recurring_credits", "recurring_credit_number", **IN_CONTRACT
        ),
        "contract_edits": [
            edit
            for contract in contracts
            for edit in numbered(
                books.contract_edits.get(contract["id"], []),
                "edit_number",
                contract_id=contract["id"],
                customer_id=contract["customer_id"],
            )
        ],
        "balances": balances,
        "balance_segments": nested(
            balances, "access_schedule.schedule_items", "segment_number", **in_balance
        ),
        "balance_ledger_entries": nested(balances, "ledger", "entry_number", **in_balance),
        "balance_invoice_schedule_items": nested(
            balances, "invoice_schedule.schedule_items", "item_number", **in_balance
        ),
        "commits": [balance for balance in balances if balance["type"] != "CREDIT"],
        "credits": [balance for balance in balances if balance["type"] == "CREDIT"],
        "invoices": books.invoices,
        "invoice_line_items": lines,
        "invoice_sub_line_items": nested(
            lines,
            "sub_line_items",
            "sub_line_number",
            invoice_id="invoice_id",
            customer_id="customer_id",
            line_number="line_number",
        ),
        "invoice_adjustments": nested(
            books.invoices, "invoice_adjustments", "adjustment_number", **in_invoice
        ),
        "invoice_constituents": nested(
            books.invoices,
            "constituent_invoices",
            "constituent_number",
            consolidated_invoice_id="id",
        ),
    }


def answers_of_the_api(books: AccountState, api: Asked) -> dict[str, list[Record]]:
    """Return what the API computes, by table: for the whole time, cut to what was read."""
    found: dict[str, list[Record]] = defaultdict(list)
    now = to_text(books.now)
    every = {"starting_on": "2024-01-01T00:00:00Z", "ending_before": now}
    recent = {"starting_on": to_text(HISTORY_START), "ending_before": now}
    month = {"starting_on": f"{HISTORY_START:%Y-%m}-01T00:00:00Z", "ending_before": now}
    created = {
        item["id"]: max(to_time(item["created_at"]), HISTORY_START) for item in books.customers
    }
    for size, table, span in (
        ("DAY", "usage_daily", every),
        ("HOUR", "usage_hourly", recent),
        ("NONE", "usage_total", month),
    ):
        found[table] = [
            row
            for row in api.rows("/v1/usage", {"window_size": size, **span})
            if to_time(row["end_timestamp"]) > created[row["customer_id"]]
        ]
    found["services"] = api.rows("/v1/services")
    found["custom_field_keys"] = api.rows("/v1/customFields/listKeys", {})
    for card in books.catalog.rate_cards:
        body = {"rate_card_id": card["id"], "at": now}
        rates = api.rows("/v1/contract-pricing/rate-cards/getRates", body)
        found["rates"] += numbered(rates, "rate_number", rate_card_id=card["id"])
    for package in books.catalog.packages:
        body = {"package_id": package["id"], "include_archived": True}
        for row in api.rows("/v1/packages/listContractsOnPackage", body):
            found["package_contracts"].append({**row, "package_id": package["id"]})
    for plan in books.catalog.plans.values():
        key, path = {"plan_id": plan["id"]}, f"/v1/planDetails/{plan['id']}"
        found["plan_charges"] += numbered(api.rows(f"{path}/charges"), "charge_number", **key)
        for row in api.rows(f"{path}/customers", status="all"):
            found["plan_customers"].append({**row, **key})
    for customer_id in created:
        _of_a_customer(found, books, api, customer_id, every, recent)
    return {
        table: [
            row
            for row in rows
            if "breakdown_start_timestamp" not in row
            or to_time(row["breakdown_start_timestamp"]) >= created[row["customer_id"]]
        ]
        for table, rows in found.items()
    }


def _of_a_customer(
    found: dict[str, list[Record]],
    books: AccountState,
    api: Asked,
    customer_id: str,
    every: Record,
    recent: Record,
) -> None:
    key, now = {"customer_id": customer_id}, every["ending_before"]
    path = f"/v1/customers/{customer_id}"
    found["customer_alerts"] += [
        {**row, **key} for row in api.rows("/v1/customer-alerts/list", key)
    ]
    found["billing_provider_configurations"] += api.rows(
        "/v1/getCustomerBillingProviderConfigurations", key | {"include_archived": True}
    )
    for plan in books.customer_plans.get(customer_id, []):
        adjustments = api.rows(f"{path}/plans/{plan['id']}/priceAdjustments")
        found["customer_plan_price_adjustments"] += numbered(
            adjustments, "adjustment_number", customer_plan_id=plan["id"], **key
        )
    units = {
        balance["access_schedule"]["credit_type"]["id"]
        for balance in books.balances.get(customer_id, [])
    }
    for unit, mode in product(units, ("FINALIZED", "FINALIZED_AND_DRAFT")):
        mine = {**key, "credit_type_id": unit, "invoice_inclusion_mode": mode}
        spendable = {"filters": [{"balance_types": ["PREPAID_COMMIT", "CREDIT"]}]}
        (net,) = api.rows("/v1/contracts/customerBalances/getNetBalance", mine | spendable)
        found["net_balances"].append({**net, **mine})
    for contract in books.contracts.get(customer_id, []):
        _of_a_contract(found, api, contract, {**key, "contract_id": contract["id"]}, now)
    for size, table, span in (
        ("DAY", "invoice_breakdowns_daily", every),
        ("HOUR", "invoice_breakdowns_hourly", recent),
    ):
        rows = api.rows(f"{path}/invoices/breakdowns", window_size=size, **span)
        found[table] += rows
        found[table.replace("breakdowns", "breakdown") + "_lines"] += nested(
            rows, "line_items", "line_number", **IN_BREAKDOWN
        )
    spend = api.rows(
        f"{path}/invoices/spend-breakdowns", every | {"window_size": "DAY"}, in_body=True
    )
    spend = [row for row in spend if to_time(row["breakdown_start_timestamp"]) >= HISTORY_START]
    found["spend_breakdowns"] += spend
    found["spend_breakdown_lines"] += nested(spend, "line_items", "line_number", **IN_BREAKDOWN)
    for row in api.rows(f"{path}/costs", **recent):
        for unit, cost in row.pop("credit_types").items():
            found["customer_costs"].append({**row, **cost, "credit_type_id": unit, **key})
    for metric in books.catalog.metrics.values():
        for group_key in metric.get("group_keys", []):
            mine = {**key, "billable_metric_id": metric["id"]}
            call = {"group_key": group_key, "window_size": "DAY", **recent}
            for row in api.rows("/v1/usage/groups", mine | call):
                found["usage_groups"].append({**row, **mine})


def _of_a_contract(
    found: dict[str, list[Record]], api: Asked, contract: Record, key: Record, now: str
) -> None:
    rates = api.rows("/v1/contracts/getContractRateSchedule", key | {"at": now})
    found["contract_rates"] += numbered(rates, "rate_number", **key)
    call = {"include_credits_and_commits": True, "include_ledgers": True, "covering_date": now}
    seats = api.rows("/v1/contracts/seatBalances/list", key | call, "cursor", in_body=True)
    found["seat_balances"] += numbered(seats, "seat_number", **key)
    for subscription in contract.get("subscriptions", []):
        mine = {**key, "subscription_id": subscription["id"]}
        (answer,) = api.rows("/v1/contracts/getSubscriptionQuantityHistory", mine)
        found["subscription_quantities"] += numbered(
            [
                {
                    **quantity,
                    "starting_at": change["starting_at"],
                    "fiat_credit_type_id": answer["fiat_credit_type_id"],
                }
                for change in answer["history"]
                for quantity in change["data"]
            ],
            "quantity_number",
            **mine,
        )
        history = api.rows(
            "/v1/contracts/getSubscriptionSeatsHistory", mine, "cursor", in_body=True
        )
        found["subscription_seats"] += numbered(history, "seat_number", **mine)


IN_CONTRACT = {"contract_id": "id", "customer_id": "customer_id"}
IN_BREAKDOWN = {
    "invoice_id": "id",
    "customer_id": "customer_id",
    "breakdown_start_timestamp": "breakdown_start_timestamp",
}
OF_THE_RUN = {"read_from", "runs", "run_resources", "reads"}
LISTED_APART = {
    *("line_items", "sub_line_items", "invoice_adjustments", "constituent_invoices", "ledger"),
    *("access_schedule__schedule_items", "invoice_schedule__schedule_items", "quantity_schedule"),
    *("subscriptions", "overrides", "scheduled_charges", "discounts", "transitions", "entries"),
    *("recurring_commits", "recurring_credits", "credit_type_conversions", "deductions"),
    *("pending_deductions", "pending_entries"),
}
"""Nested lists that have tables of their own, under their parents."""


def canonical(value: Any) -> Any:
    """Return a value regardless of how numbers and times are spelt, and without nulls."""
    if isinstance(value, dict):
        items = {key: canonical(item) for key, item in value.items() if item is not None}
        return dict(sorted(items.items()))
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        value = to_time(value)
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        value = Decimal(value)
    if isinstance(value, int | float | Decimal):
        return f"{Decimal(str(value)).normalize():f}"
    return str(value)


def field_of(record: Record, column: str) -> Any:
    value: Any = record
    for name in column.split("__"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def fields_of(record: Record, columns: set[str], path: str = "") -> Iterator[str]:
    """Yield the columns that a record's values belong in."""
    for name, value in record.items():
        column = f"{path}{name}"
        if isinstance(value, dict) and column not in columns:
            yield from fields_of(value, columns, f"{column}__")
        elif value not in (None, []):
            yield column
