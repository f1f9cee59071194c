"""The API's pipeline: every record of the account, exact; and the good tables stay on a fault."""

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from pipelines.common.errors import InputError
from pipelines.metronome_api.api_tables import RAW_TABLES
from pipelines.metronome_api.endpoints import ENDPOINTS
from sandbox.api.audit_log import audit_log
from sandbox.api.server import create_app, serving
from sandbox.core.account import Account, AccountState
from sandbox.core.records import NOW, Record, to_text, to_time
from tests.pipelines.conftest import (
    HISTORY_START,
    TOKEN,
    Lists,
    NewWorkspace,
    Rows,
    Wire,
    Workspace,
)

INVOICES = "/v1/customers/c1/invoices"
BALANCES = "/v1/contracts/customerBalances/list"
CONTRACTS = "/v2/contracts/list"
GRANTS = "/v1/credits/listGrants"
SEATS = "/v1/contracts/getSubscriptionSeatsHistory"
SEAT_BALANCES = "/v1/contracts/seatBalances/list"
ONE_CUSTOMER = {"/v1/customers": ['[{"id": "c1", "name": "One"}]']}
ONE_INVOICE = {
    INVOICES: [
        """[{
            "id": "i1", "customer_id": "c1", "type": "USAGE", "net_payment_terms_days": null,
            "total": 12345678901234567890.123456789012345678, "subtotal": 0.1, "issued_at": null,
            "external_invoice": {"invoice_id": "in_1", "invoiced_total": 70},
            "custom_fields": {"a": 883406386745030.3, "b": [0.1234567890123456, 9007199254740993]},
            "line_items": [
                {"name": "first", "total": 0.000000000000000001, "sub_line_items": [
                    {"charge_id": "a", "quantity": 0.3, "subtotal": 1e-18},
                    {"charge_id": "b", "quantity": 3, "subtotal": -2.5}
                ]},
                {"name": "second", "total": 7, "sub_line_items": [{"charge_id": "c"}]}
            ],
            "constituent_invoices": [
                {"invoice_id": "i8", "contract_id": "k", "customer_id": "c8"},
                {"invoice_id": "i9", "contract_id": "k", "customer_id": "c9"}
            ],
            "brand_new_text": "kept", "brandNewAmount": 0.123456789012345678,
            "brand_new_object": {"depth": {"amount": 1.25}}, "brand_new_list": [{"amount": 0.1}]
        }]"""
    ]
}


TWO_PAGES = ['[{"id": "first"}]', '[{"id": "second"}]']
DETAILS = (
    ONE_CUSTOMER
    | ONE_INVOICE
    | dict.fromkeys(("/v1/plans", GRANTS, BALANCES, SEATS, SEAT_BALANCES), TWO_PAGES)
    | {CONTRACTS: ['[{"id": "first", "subscriptions": [{"id": "s"}]}]', '[{"id": "second"}]']}
)
"""One customer with every dialect's list in two pages, and the invoice of `ONE_INVOICE`."""


@dataclass(frozen=True)
class Loaded:
    """A workspace, and what was asked to fill it."""

    workspace: Workspace
    requests: list[Request]


@pytest.fixture(scope="module")
def details(new_workspace: NewWorkspace) -> Loaded:
    """All of `DETAILS`."""
    wire = Wire(Lists(DETAILS))
    workspace = new_workspace()
    with serving(wire) as url:
        workspace.load_api(url, "all", SOURCES__METRONOME_API__HISTORY_START="2024-04-01")
    return Loaded(workspace, wire.requests)


# The whole account


class Asked:
    """What the API answers to a client that has nothing in common with the pipeline's."""

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
        """All pages of a list; with a body it is posted."""
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
    """The rows of a nested list, with keys of their parents and their places."""
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
    """By table, what the account holds."""
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
    """By table, what the API works out: asked for the whole time, and cut to what was read."""
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


@pytest.fixture(scope="module")
def records(account: Account) -> dict[str, list[Record]]:
    """Every raw table's rows as the API has them, nested and in its spelling."""
    books = account.production
    with serving(create_app(account, TOKEN)) as url:
        return {**records_of_the_account(books), **answers_of_the_api(books, Asked(url))}


def canonical(value: Any) -> Any:
    """A value regardless of how numbers and times are spelt, and without nulls."""
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
    """The columns that a record's values belong in."""
    for name, value in record.items():
        column = f"{path}{name}"
        if isinstance(value, dict) and column not in columns:
            yield from fields_of(value, columns, f"{column}__")
        elif value not in (None, []):
            yield column


def test_every_table_is_compared(records: dict[str, list[Record]]):
    assert records.keys() == RAW_TABLES.keys() - OF_THE_RUN
    empty = {table for table, rows in records.items() if not rows}
    assert empty <= {"contract_discounts", "contract_recurring_commits"}, "has no examples"


@pytest.mark.parametrize("table", sorted(RAW_TABLES.keys() - OF_THE_RUN))
def test_every_list_is_loaded_in_full_and_exact(
    loaded_api: Workspace, records: dict[str, list[Record]], table: str
):
    types = dict(
        loaded_api.query(
            "select column_name, data_type from information_schema.columns "
            f"where table_schema = 'raw_api' and table_name = '{table}' "
            "and not starts_with(column_name, '_dlt')"
        )
    )
    types.pop("breakdown_number", None)  # a place in an answer that was asked for in one piece
    columns = ", ".join(f'"{column}"' for column in types)
    rows = loaded_api.query(f"select {columns} from raw_api.{table}")
    loaded = [
        {
            column: canonical(json.loads(value) if kind == "JSON" and value else value)
            for (column, kind), value in zip(types.items(), row, strict=True)
        }
        for row in rows
    ]
    expected = [
        {column: canonical(field_of(record, column)) for column in types}
        for record in records[table]
    ]
    found, wanted = Counter(map(repr, loaded)), Counter(map(repr, expected))
    assert ([*(found - wanted)][:1], [*(wanted - found)][:1]) == ([], [])
    missing = {name for record in records[table] for name in fields_of(record, set(types))}
    assert missing - types.keys() <= LISTED_APART


def test_a_table_has_no_columns_of_another(loaded_api: Workspace, empty: Workspace):
    """Beyond the declared ones there are only those that the account's records have."""
    columns = (
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'raw_api' and table_name in ({})"
    ).format(", ".join(f"'{table}'" for table in RAW_TABLES))
    added = set(loaded_api.query(columns)) - set(empty.query(columns))
    assert {column for _, column in added} == {
        "revenue_recognition__schedule",
        "sustainability_score",
    }


def test_a_run_says_what_it_asked_for_and_got(loaded_api: Workspace):
    (run,) = loaded_api.query(
        "select host, as_of, customers, full_refresh, finished_at >= started_at from raw_api.runs"
    )
    assert run == ("sandbox", NOW, 44, False, True)
    selected = json.loads(loaded_api.value("select selected from raw_api.runs"))
    assert selected == sorted(ENDPOINTS)
    asked = "select resource, sum(rows), sum(customers) from raw_api.run_resources group by all"
    sums = {resource: (rows, customers) for resource, rows, customers in loaded_api.query(asked)}
    counts = loaded_api.counts("raw_api")
    assert sums["customers"] == (44, 0)
    assert sums["balances"] == (
        sum(counts[table] for table in counts if "balance_" in table and "seat" not in table)
        + counts["balances"],
        44,
    )
    reads = "select count(*), count(distinct run_id) from raw_api.reads where status = 'read'"
    per_customer = {name for name, (_, customers) in sums.items() if customers}
    assert loaded_api.query(reads) == [(44 * len(per_customer) + len(sums) - len(per_customer), 1)]


# Details of values


def test_numbers_are_those_of_the_bytes(details: Loaded):
    invoice = details.workspace.query(
        "select total, subtotal, external_invoice__invoiced_total from raw_api.invoices"
    )
    assert invoice == [
        (Decimal("12345678901234567890.123456789012345678"), Decimal("0.1"), Decimal(70))
    ]
    lines = "select total from raw_api.invoice_line_items order by line_number"
    assert details.workspace.column(lines) == [Decimal("1e-18"), 7]
    sub_lines = "select quantity, subtotal from raw_api.invoice_sub_line_items order by charge_id"
    assert details.workspace.query(sub_lines) == [
        (Decimal("0.3"), Decimal("1e-18")),
        (3, Decimal("-2.5")),
        (None, None),
    ]


def test_numbers_within_json_keep_their_digits(details: Loaded):
    (text,) = details.workspace.column(
        "select cast(custom_fields as varchar) from raw_api.invoices"
    )
    digits = re.findall(r"[\d.]+", text)
    assert digits == ["883406386745030.3", "0.1234567890123456", "9007199254740993"]


SAME = """"name": "One", "created_at": "2024-04-01T02:00:00+02:00", "updated_at": "2024-04-01",
    "current_billable_status": {"value": "billable", "effective_at": null},
    "ingest_aliases": ["a", 0.10], "custom_fields": {}, "customer_config": null"""


def test_a_row_with_an_unknown_field_is_otherwise_loaded_as_one_without(workspace: Workspace):
    """One goes to dlt as Arrow, the other as a Python row."""
    rows = f'{{"id": "c1", {SAME}}}, {{"id": "c2", {SAME}, "new": {{"field": 1.5}}}}'.replace(
        '"updated_at": "2024-04-01",', "", 1
    )
    with serving(Lists({"/v1/customers": [f"[{rows}]"]})) as url:
        workspace.load_api(url, "customers")
    columns = ", ".join(set(RAW_TABLES["customers"]) - {"id", "updated_at"})
    first, second = workspace.query(f"select {columns} from raw_api.customers order by id")
    assert first == second
    added = "select id, updated_at::date::text, new__field from raw_api.customers order by id"
    assert workspace.query(added) == [("c1", None, None), ("c2", "2024-04-01", Decimal("1.5"))]


def test_nested_rows_have_their_parents_keys_and_count_from_one(details: Loaded):
    def rows(columns: str, table: str) -> Rows:
        return details.workspace.query(f"select {columns} from raw_api.{table} order by all")

    assert rows("invoice_id, line_number, name", "invoice_line_items") == [
        ("i1", 1, "first"),
        ("i1", 2, "second"),
    ]
    assert rows(
        "invoice_id, line_number, sub_line_number, charge_id", "invoice_sub_line_items"
    ) == [("i1", 1, 1, "a"), ("i1", 1, 2, "b"), ("i1", 2, 1, "c")]
    assert rows(
        "consolidated_invoice_id, constituent_number, invoice_id, customer_id",
        "invoice_constituents",
    ) == [("i1", 1, "i8", "c8"), ("i1", 2, "i9", "c9")]


def test_absent_and_null_fields_are_null(details: Loaded):
    columns = "issued_at, net_payment_terms_days, status, plan_id, external_invoice__pdf_url"
    assert details.workspace.query(f"select {columns} from raw_api.invoices") == [(None,) * 5]


def test_unknown_fields_are_kept_in_full(details: Loaded):
    columns = "brand_new_text, brand_new_amount, brand_new_object__depth__amount"
    assert details.workspace.query(f"select {columns} from raw_api.invoices") == [
        ("kept", Decimal("0.123456789012345678"), Decimal("1.25"))
    ]
    brand_new_list = "select amount from raw_api.invoices__brand_new_list"
    assert details.workspace.column(brand_new_list) == [Decimal("0.1")]


def test_a_record_that_comes_twice_is_one_row(details: Loaded):
    """The archived customers are asked for in a second walk, which here gives the same one."""
    walks = [item for item in details.requests if item.url.path == "/v1/customers"]
    assert len(walks) == 2
    assert details.workspace.column("select id from raw_api.customers") == ["c1"]


# Runs after the first


def load_again(workspace: Workspace, pages: dict[str, list[str]], *select: str) -> dict[str, int]:
    """Load an API that has changed; gives how many rows the tables have now."""
    with serving(Lists(pages)) as url:
        workspace.load_api(url, *select)
    return workspace.counts("raw_api")


def test_no_number_is_refused_and_a_run_replaces_what_an_earlier_one_loaded(
    details: Loaded, new_workspace: NewWorkspace
):
    """What failed changes no table and does not stand in the way of the next run."""
    workspace = new_workspace(details.workspace)
    with pytest.raises(InputError, match=r"/v1/customers/c1/invoices .*: NaN is no number"):
        load_again(workspace, DETAILS | {INVOICES: ['[{"id": "i1", "total": NaN}]']})
    assert workspace.facts() == details.workspace.facts()

    without_lines = '[{"id": "i1", "total": 5}, {"id": "i2", "total": 0.0033333333333333335}]'
    counts = load_again(workspace, DETAILS | {INVOICES: [without_lines]})
    assert {table: counts[table] for table in counts if table.startswith("invoice")} == {
        "invoices": 2
    }
    invoices = "select id, total, subtotal from raw_api.invoices order by id"
    dust = Decimal("0.003333333333333334")  # to the 18th decimal
    assert workspace.query(invoices) == [("i1", 5, None), ("i2", dust, None)]


def test_lists_that_are_empty_now_empty_their_tables(details: Loaded, new_workspace: NewWorkspace):
    workspace = new_workspace(details.workspace)
    assert workspace.counts("raw_api")["invoice_sub_line_items"] == 3
    counts = load_again(workspace, ONE_CUSTOMER, "all")
    assert counts == {"customers": 1}


def test_lines_that_a_killed_load_left_without_their_invoice_go(
    details: Loaded, new_workspace: NewWorkspace
):
    workspace = new_workspace(details.workspace)
    with workspace.connect() as connection:
        connection.execute(
            "insert into raw_api.invoice_line_items by name "
            "select * replace ('gone' as invoice_id) from raw_api.invoice_line_items"
        )
    load_again(workspace, DETAILS)
    assert workspace.facts() == details.workspace.facts()


def test_a_token_of_another_account_does_not_replace_the_customers(
    details: Loaded, new_workspace: NewWorkspace
):
    workspace = new_workspace(details.workspace)
    with pytest.raises(InputError, match="other customers than those"):
        load_again(workspace, {"/v1/customers": ['[{"id": "c2", "name": "Two"}]']})
    assert workspace.facts() == details.workspace.facts()


def test_an_api_does_not_replace_what_another_showed(details: Loaded, new_workspace: NewWorkspace):
    workspace = new_workspace(details.workspace)
    with pytest.raises(InputError, match=r"holds what sandbox showed, not api\.example\.test"):
        workspace.load_api("https://api.example.test")
    assert workspace.facts() == details.workspace.facts()


# Requests


def sent(request: Request) -> tuple[str, dict[str, str], Any]:
    """Method, query and JSON body of a request; no body is None."""
    body = json.loads(request._body) if request._body else None
    return request.method, dict(request.query_params), body


ALL_CONTRACTS = {"customer_id": "c1", "include_archived": True}
ALL_BALANCES = {
    "customer_id": "c1",
    "limit": 25,
    "include_contract_balances": True,
    "include_archived": True,
    "include_balance": True,
    "include_ledgers": True,
}
APRIL = {"starting_on": "2024-04-01T00:00:00Z", "ending_before": "2024-04-15T00:00:00Z"}
OF_FIRST = {"customer_id": "c1", "contract_id": "first"}
ALL_SEAT_BALANCES = {
    "customer_id": "c1",
    "limit": 100,
    "covering_date": "2024-04-15T00:00:00Z",
    "include_credits_and_commits": True,
    "include_ledgers": True,
}
EXPECTED = {
    "/v1/customers": [
        ("GET", {"limit": "100"}, None),
        ("GET", {"limit": "100", "only_archived": "true"}, None),
    ],
    "/v1/billable-metrics": [("GET", {"limit": "100", "include_archived": "true"}, None)],
    "/v1/contract-pricing/products/list": [("POST", {"limit": "100"}, {"archive_filter": "ALL"})],
    "/v1/contract-pricing/rate-cards/list": [("POST", {"limit": "100"}, {})],
    INVOICES: [("GET", {"limit": "25", "sort": "date_desc"}, None)],
    "/v1/auditLogs": [("GET", {"limit": "100", "sort": "date_asc"}, None)],
    "/v1/customFields/listKeys": [("POST", {}, {})],
    "/v1/customer-alerts/list": [("POST", {}, {"customer_id": "c1"})],
    "/v1/usage": [
        ("POST", {}, {"customer_ids": ["c1"], "window_size": size, **APRIL})
        for size in ("DAY", "HOUR", "NONE")
    ],
    SEATS: [
        ("POST", {}, OF_FIRST | {"subscription_id": "s", "limit": 10}),
        ("POST", {}, OF_FIRST | {"subscription_id": "s", "limit": 10, "cursor": "1"}),
    ],
    SEAT_BALANCES: [
        ("POST", {}, ALL_SEAT_BALANCES | {"contract_id": contract_id, **cursor})
        for contract_id in ("first", "second")
        for cursor in ({}, {"cursor": "1"})
    ],
    "/v1/plans": [
        ("GET", {"limit": "100"}, None),
        ("GET", {"limit": "100", "next_page": "1"}, None),
    ],
    GRANTS: [
        ("POST", {"limit": "100"}, {}),
        ("POST", {"limit": "100", "next_page": "1"}, {}),
    ],
    CONTRACTS: [
        ("POST", {}, ALL_CONTRACTS),
        ("POST", {}, ALL_CONTRACTS | {"cursor": "1"}),
    ],
    BALANCES: [
        ("POST", {}, ALL_BALANCES),
        ("POST", {}, ALL_BALANCES | {"next_page": "1"}),
    ],
}


@pytest.mark.parametrize("path", EXPECTED)
def test_a_list_is_asked_for_in_its_dialect(details: Loaded, path: str):
    assert [sent(item) for item in details.requests if item.url.path == path] == EXPECTED[path]


def test_every_request_carries_the_token_and_none_an_idempotency_key(details: Loaded):
    assert {item.headers["authorization"] for item in details.requests} == {f"Bearer {TOKEN}"}
    assert not [item for item in details.requests if "idempotency-key" in item.headers]


def test_every_post_sends_json(details: Loaded):
    posts = [item for item in details.requests if item.method == "POST"]
    assert {item.headers["content-type"] for item in posts} == {"application/json"}


# The token


def test_the_token_is_in_no_file_and_no_table(details: Loaded, workspace: Workspace):
    """After a run that succeeded, and after one that was refused a list and then all."""
    answers = {"/v1/plans": 403, INVOICES: 401}

    def refused(request: Request) -> Response | None:
        status = answers.get(request.url.path)
        return Response(status_code=status) if status else None

    with serving(Wire(Lists(ONE_CUSTOMER), refused)) as url, pytest.raises(InputError) as caught:
        workspace.load_api(url)
    assert TOKEN not in str(caught.value)
    reason = "select reason from raw_api.reads where read_id = 'plans/account'"
    assert workspace.column(reason) == ["GET /v1/plans answered 403: Forbidden."]
    for used in (details.workspace, workspace):
        files = [path for path in used.dlt_folder.rglob("*") if path.is_file()]
        texts = [path.read_bytes() for path in [used.database, *files]]
        texts += [gzip.decompress(text) for text in texts if text.startswith(b"\x1f\x8b")]
        assert any(b"metronome_api" in text for text in texts)
        assert not [text for text in texts if TOKEN.encode() in text]

        tables = used.column(
            "select string_agg(format('select to_json(t) from {}.{} as t', schema_name, "
            "table_name), ' union all ') from duckdb_tables()"
        )
        rows = used.column(*tables)
        assert "metronome_api" in "".join(rows)
        assert TOKEN not in "".join(rows)
