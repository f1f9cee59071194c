"""Every list through the vendor's client, which refuses a wrong type, against the account."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from metronome import Metronome

from sandbox.api.audit_log import audit_log
from sandbox.api.server import TOKEN, running
from sandbox.api.view import View
from sandbox.core.account import Account, AccountState
from sandbox.core.records import Record, to_time

RANGE = {"starting_on": "2024-03-01T00:00:00Z", "ending_before": "2024-05-01T00:00:00Z"}


@pytest.fixture(scope="module")
def sdk(account: Account) -> Iterator[Metronome]:
    with running(account) as url:
        yield Metronome(
            base_url=url, bearer_token=TOKEN, max_retries=0, _strict_response_validation=True
        )


@pytest.fixture(scope="module")
def view(account: Account) -> View:
    return View(account, account.production.environment)


@pytest.fixture(scope="module")
def state(account: Account) -> AccountState:
    return account.production


def like(value: Any) -> Any:
    """Return a value without the spelling of numbers and times, and without nulls."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, dict):
        return {key: like(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [like(item) for item in value]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        value = to_time(value)
    return value.isoformat() if isinstance(value, datetime) else value


def agree(found: Iterable[Any], expected: Iterable[Record]) -> int:
    """Check that records are the same, in the same order. Return their number."""
    found = [like(item) for item in found]
    assert found == [like(item) for item in expected]
    return len(found)


def walk(call: Callable[..., Any], cursor: str = "next_page", **arguments: Any) -> Iterator[Any]:
    """Yield the records of a list that the client cannot walk itself, with limit 1."""
    more: dict[str, str] = {}
    while True:
        page = call(limit=1, **arguments, **more)
        assert len(page.data) <= 1
        yield from page.data
        following = (page.pagination if hasattr(page, "pagination") else page).next_page
        if not following:
            return
        more = {cursor: following}


def contracts(state: AccountState) -> list[Record]:
    return [contract for items in state.contracts.values() for contract in items]


def subscriptions(state: AccountState) -> list[dict[str, str]]:
    """Return the arguments that name each subscription."""
    return [
        {
            "customer_id": contract["customer_id"],
            "contract_id": contract["id"],
            "subscription_id": subscription["id"],
        }
        for contract in contracts(state)
        for subscription in contract.get("subscriptions", [])
    ]


def test_customers(state: AccountState, sdk: Metronome):
    active = [item for item in state.customers if not item["archived_at"]]
    archived = [item for item in state.customers if item["archived_at"]]
    assert agree(sdk.v1.customers.list(limit=1), active) > 30
    assert agree(sdk.v1.customers.list(limit=1, only_archived=True), archived) >= 2
    for customer in state.customers[:5]:
        assert like(sdk.v1.customers.retrieve(customer_id=customer["id"]).data) == like(customer)


def test_what_is_sold(state: AccountState, sdk: Metronome):
    catalog = state.catalog
    assert agree(sdk.v1.pricing_units.list(limit=1), catalog.credit_types.values())
    metrics = list(catalog.metrics.values())
    assert agree(sdk.v1.billable_metrics.list(limit=1, include_archived=True), metrics)
    assert len(list(sdk.v1.billable_metrics.list(limit=1))) == len(metrics) - 1
    assert agree(sdk.v1.contracts.products.list(limit=1), catalog.contract_products.values())
    assert agree(sdk.v1.contracts.rate_cards.list(limit=1, body={}), catalog.rate_cards)
    assert agree(sdk.v1.packages.list(limit=1), catalog.packages)
    customer = state.customer("Kestrel Media")["id"]
    own = sdk.v1.customers.list_billable_metrics(
        customer_id=customer, limit=1, on_current_plan=True
    )
    assert [metric.name for metric in own] == ["API calls"]


def test_rates(state: AccountState, view: View, sdk: Metronome):
    cards = sdk.v1.contracts.rate_cards
    found = 0
    for card in state.catalog.rate_cards:
        rates = list(cards.rates.list(rate_card_id=card["id"], at=view.now, limit=1))
        schedule = walk(cards.retrieve_rate_schedule, rate_card_id=card["id"], starting_at=view.now)
        assert agree(schedule, [rate.to_dict() for rate in rates]) == len(rates)
        found += len(rates)
    assert found > 5
    billed = {
        (line["product_id"], line["unit_price"])
        for invoice in state.invoices
        if "contract_id" in invoice and invoice["status"] == "DRAFT"
        for line in invoice["line_items"]
        if line["type"] == "usage"
    }
    offered = set()
    for contract in contracts(state):
        key = {"customer_id": contract["customer_id"], "contract_id": contract["id"]}
        for rate in walk(sdk.v1.contracts.retrieve_rate_schedule, **key):
            price = (rate.override_rate or rate.list_rate).price
            offered.add((rate.product_id, Decimal(str(price))))
    assert billed <= offered, "an invoice charges what the contract's rates say"


def test_an_override_changes_a_rate_from_its_start_on(state: AccountState, sdk: Metronome):
    (contract, override) = next(
        (contract, override)
        for contract in contracts(state)
        for override in contract["overrides"]
        if to_time(override["starting_at"]) > to_time(contract["starting_at"])
    )
    key = {"customer_id": contract["customer_id"], "contract_id": contract["id"]}
    start = to_time(override["starting_at"])
    before, after = (
        list(walk(sdk.v1.contracts.retrieve_rate_schedule, **key, at=at))
        for at in (start - timedelta(seconds=1), start)
    )
    assert not [rate for rate in before if rate.override_rate]
    changed = [rate for rate in after if rate.override_rate]
    assert changed
    for rate in changed:
        exact = Decimal(str(rate.list_rate.price)) * Decimal(str(override["multiplier"]))
        assert Decimal(str(rate.override_rate.price)) == exact


def test_packages_and_their_contracts(state: AccountState, sdk: Metronome):
    (package, *_) = state.catalog.packages
    found = list(sdk.v1.packages.list_contracts_on_package(package_id=package["id"], limit=1))
    expected = [item for item in contracts(state) if item.get("package_id") == package["id"]]
    assert [(item.contract_id, item.customer_id) for item in found] == [
        (item["id"], item["customer_id"]) for item in expected if not item.get("archived_at")
    ]
    assert found


def test_invoices(state: AccountState, sdk: Metronome):
    for customer in state.customers:
        key = customer["id"]
        invoices = list(sdk.v1.customers.invoices.list(customer_id=key, limit=1, sort="date_asc"))
        expected = state.invoices_by_customer.get(key, [])
        agree(invoices, sorted(expected, key=lambda item: (to_time(item["issued_at"]), item["id"])))
        for invoice in invoices[:1]:
            found = sdk.v1.customers.invoices.retrieve(customer_id=key, invoice_id=invoice.id)
            assert found.data == invoice


@pytest.mark.parametrize("name", ["Dual Horizon", "Lumen Analytics", "Halcyon Labs"])
@pytest.mark.parametrize(("size", "days"), [("DAY", 61), ("HOUR", 2)])
def test_breakdowns(state: AccountState, sdk: Metronome, name: str, size: str, days: int):
    end = to_time(RANGE["starting_on"]) + timedelta(days=days)
    key = state.customer(name)["id"]
    call = {"window_size": size, "starting_on": RANGE["starting_on"], "ending_before": end}
    one, many = (
        list(sdk.v1.customers.invoices.list_breakdowns(customer_id=key, limit=limit, **call))
        for limit in (1, 100)
    )
    assert one == many
    windows = [(row.id, row.breakdown_start_timestamp) for row in one]
    assert len(set(windows)) == len(windows) > 40
    assert not [row for row in one if row.status == "VOID"]


def test_balances(state: AccountState, sdk: Metronome):
    show = {"limit": 1, "include_balance": True, "include_ledgers": True, "include_archived": True}
    for key, balances in state.balances.items():
        api = sdk.v1.contracts
        agree(api.list_balances(customer_id=key, include_contract_balances=True, **show), balances)
        commits = [item for item in balances if item["type"] != "CREDIT"]
        grants = [item for item in balances if item["type"] == "CREDIT"]
        api = sdk.v1.customers
        agree(api.commits.list(customer_id=key, include_contract_commits=True, **show), commits)
        agree(api.credits.list(customer_id=key, include_contract_credits=True, **show), grants)
        net = sdk.v1.contracts.get_net_balance(customer_id=key).data
        assert net.balance >= 0


def test_contracts(state: AccountState, sdk: Metronome):
    found = 0
    for key, expected in state.contracts.items():
        show = {"include_balance": True, "include_ledgers": True, "include_archived": True}
        found += agree(sdk.v2.contracts.list(customer_id=key, limit=1, **show), expected)
    assert found >= 5
    for contract in contracts(state):
        key = {"customer_id": contract["customer_id"], "contract_id": contract["id"]}
        agree(
            sdk.v2.contracts.get_edit_history(**key).data,
            state.contract_edits.get(key["contract_id"], []),
        )


def test_subscriptions_and_seats(state: AccountState, view: View, sdk: Metronome):
    api = sdk.v1.contracts
    schedules = {
        item["id"]: item["quantity_schedule"]
        for contract in contracts(state)
        for item in contract.get("subscriptions", [])
    }
    for key in subscriptions(state):
        subscription_id = key["subscription_id"]
        history = api.retrieve_subscription_quantity_history(**key).data.history
        past = [
            item for item in schedules[subscription_id] if to_time(item["starting_at"]) <= view.now
        ]
        assert [(item.starting_at, item.data[0].quantity) for item in history] == [
            (to_time(item["starting_at"]), float(item["quantity"])) for item in past
        ]
        billed = {
            float(line["unit_price"])
            for invoice in state.invoices
            for line in invoice["line_items"]
            if line.get("subscription_id") == subscription_id
        }
        assert {item.data[0].unit_price for item in history} == {max(billed)}, "of a whole month"
        for item in history:
            assert item.data[0].total == item.data[0].quantity * item.data[0].unit_price
        seats = state.subscription_seats.get(subscription_id, [])
        rows = list(walk(api.get_subscription_seats_history, "cursor", **key))
        for row in rows:
            taken = {
                seat["seat_id"]
                for seat in seats
                if to_time(seat["starting_at"]) <= row.starting_at
                and not (
                    seat.get("ending_before") and to_time(seat["ending_before"]) <= row.starting_at
                )
            }
            assert set(row.assigned_seat_ids) == taken
            assert row.total_quantity == len(taken)
        assert bool(rows) == bool(seats)
        contract = {name: key[name] for name in ("customer_id", "contract_id")}
        show = {"include_credits_and_commits": True, "include_ledgers": True}
        balances = list(walk(api.list_seat_balances, "cursor", **contract, **show))
        if rows:
            assert {item.seat_id for item in balances} >= set(rows[-1].assigned_seat_ids)


def test_usage(state: AccountState, view: View, sdk: Metronome):
    keys = [state.customer(name)["id"] for name in ("A1 Company", "Pixel Forge")]
    for size in ("NONE", "DAY", "HOUR"):
        rows = list(sdk.v1.usage.list(customer_ids=keys, window_size=size, **RANGE))
        used = sum(Decimal(str(row.value)) for row in rows if row.value is not None)
        expected = sum(
            use.amount
            for customer_id in keys
            for metric in state.catalog.metrics.values()
            for use in view.usage.uses(customer_id, metric["id"])
            if use.at >= to_time(RANGE["starting_on"])
        )
        assert used == expected > 0
        pairs = [(row.customer_id, row.billable_metric_id) for row in rows]
        changes = sum(one != other for one, other in pairwise(pairs))
        assert changes + 1 == len(set(pairs)), "grouped by customer and metric"
    metric = state.catalog.metrics["Images (256x256)"]
    key = {"customer_id": keys[1], "billable_metric_id": metric["id"], "window_size": "DAY"}
    groups = list(sdk.v1.usage.list_with_groups(**key, group_key=["user_id"], limit=1, **RANGE))
    by_user = sum(Decimal(str(row.value)) for row in groups if row.value is not None)
    assert {row.group_value for row in groups} == {"mira", "tomas", "yuki", "ada"}
    assert by_user == sum(
        use.amount
        for use in view.usage.uses(keys[1], metric["id"])
        if use.at >= to_time(RANGE["starting_on"])
    )


def test_alerts_and_billing_configurations(state: AccountState, sdk: Metronome):
    states = set()
    statuses = ["ENABLED", "DISABLED", "ARCHIVED"]
    for customer in state.customers:
        key = customer["id"]
        enabled = list(sdk.v1.customers.alerts.list(customer_id=key))
        everything = sdk.v1.customers.alerts.list(customer_id=key, alert_statuses=statuses)
        assert enabled == [item for item in everything if item.alert.status == "enabled"]
        assert len(enabled) == 3
        states |= {item.customer_status for item in enabled}
        configs = sdk.v1.customers.retrieve_billing_configurations(
            customer_id=key, include_archived=True
        ).data
        provided = state.billing_provider.get(key)
        assert len(configs) == bool(provided)
        for config in configs:
            found = config.configuration[f"{config.billing_provider}_customer_id"]
            assert [config.billing_provider, found] == provided
            assert config.archived_at == to_time(customer["archived_at"])
    assert {"ok", "in_alarm", None} <= states


def test_audit_log(state: AccountState, view: View, sdk: Metronome):
    expected = audit_log(state, view.now)
    found, cursor = [], None
    while True:
        page = sdk.v1.audit_logs.list(limit=7, **({"next_page": cursor} if cursor else {}))
        assert page.next_page
        if not page.data:
            break
        found += page.data
        cursor = page.next_page
    assert agree(found, expected) > 40
    newest = sdk.v1.audit_logs.list(limit=3, sort="date_desc").data
    agree(newest, expected[::-1][:3])


def test_custom_field_keys_and_services(state: AccountState, sdk: Metronome):
    keys = {(item.entity, item.key) for item in sdk.v1.custom_fields.list_keys()}
    for customer in state.customers:
        assert {("customer", name) for name in customer["custom_fields"]} <= keys
    assert [item.key for item in sdk.v1.custom_fields.list_keys(entities=["contract"])]
    assert {item.name for item in sdk.v1.services.list().services} == {"api", "webhooks"}


def test_plans(state: AccountState, sdk: Metronome):
    catalog = state.catalog
    assert agree(sdk.v1.plans.list(limit=1), catalog.plans.values())
    on_plans = 0
    for plan in catalog.plans.values():
        assert sdk.v1.plans.get_details(plan_id=plan["id"]).data.name == plan["name"]
        charges = [item for item in catalog.plan_charges if item["plan_id"] == plan["id"]]
        found = list(sdk.v1.plans.list_charges(plan_id=plan["id"], limit=1))
        assert [item.id for item in found] == [item["id"] for item in charges]
        rows = list(sdk.v1.plans.list_customers(plan_id=plan["id"], limit=1, status="all"))
        on_plans += len(rows)
        by_state = [
            row
            for status in ("active", "ended", "upcoming")
            for row in sdk.v1.plans.list_customers(plan_id=plan["id"], status=status)
        ]
        assert sorted(row.plan_details.customer_plan_id for row in by_state) == sorted(
            row.plan_details.customer_plan_id for row in rows
        )
    assert on_plans == sum(map(len, state.customer_plans.values()))
    for key, items in state.customer_plans.items():
        agree(sdk.v1.customers.plans.list(customer_id=key, limit=1), items)
    key = state.customer("Kestrel Media")["id"]
    (plan,) = state.customer_plans[key]
    adjustments = sdk.v1.customers.plans.list_price_adjustments(
        customer_id=key, customer_plan_id=plan["id"], limit=1
    )
    assert [item.start_period for item in adjustments] == [12]


def test_costs_are_the_plan_invoices_before_grants(state: AccountState, sdk: Metronome):
    for name in ("Dual Horizon", "Juniper Press", "Monmouth Freight"):
        key = state.customer(name)["id"]
        rows = sdk.v1.customers.list_costs(customer_id=key, limit=1, **RANGE)
        found: dict[str, Decimal] = {}
        for row in rows:
            assert row.end_timestamp - row.start_timestamp == timedelta(days=1)
            for unit_id, unit in row.credit_types.items():
                parts = sum(Decimal(str(line.cost)) for line in unit.line_item_breakdown)
                assert parts == Decimal(str(unit.cost))
                found[unit_id] = found.get(unit_id, Decimal(0)) + parts
        expected: dict[str, Decimal] = {}
        for invoice in state.invoices_by_customer[key]:
            if to_time(invoice["start_timestamp"]) >= to_time(RANGE["starting_on"]):
                minimum = [item["total"] for item in invoice["invoice_adjustments"]]
                unit_id = invoice["credit_type"]["id"]
                charged = invoice["subtotal"] + sum(item for item in minimum if item > 0)
                expected[unit_id] = expected.get(unit_id, Decimal(0)) + charged
        assert found == expected


def test_grants_and_ledgers(state: AccountState, sdk: Metronome):
    assert agree(sdk.v1.credit_grants.list(limit=1), state.grants)
    assert agree(sdk.v1.credit_grants.list_entries(), state.ledgers)
