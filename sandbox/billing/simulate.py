"""Simulate the account: events, then usage, then invoices and balances."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Inexact, localcontext
from operator import attrgetter

from sandbox.billing.contract_invoices import bill_contracts
from sandbox.billing.grant_ledgers import grant_records
from sandbox.billing.plan_invoices import plan_invoices, regenerate
from sandbox.core.account import Account, AccountState, Catalog
from sandbox.core.metering import Meter, Usage
from sandbox.core.records import (
    NOW,
    PRODUCTION,
    SANDBOX,
    Event,
    Record,
    Version,
    make_id,
    to_text,
    to_time,
)
from sandbox.scenario.catalog import build_catalog
from sandbox.scenario.contract_terms import signed_contracts
from sandbox.scenario.credit_grants import new_grants
from sandbox.scenario.customers import CUSTOMERS, CustomerScenario, customer_id
from sandbox.scenario.events import events_of, stray_events
from sandbox.scenario.timeline import PAID_AFTER, RENAMED_AT, VOIDED_AT, VOIDED_LANE_AT, day


def simulate(seed: int = 7, as_of: datetime = NOW) -> Account:
    """Simulate the account as of an instant.

    At a later instant it is the same account. Ids do not change. Drafts grow, are finalized, paid
    or voided, and contracts that were signed in between are added.

    Args:
        seed: Changes usage and amounts. Customers, plans and ids stay the same.
        as_of: The account's clock, in UTC.

    Raises:
        decimal.Inexact: An amount would be rounded. No catalog price allows that.
    """
    with localcontext() as context:
        context.traps[Inexact] = True
        states = {}
        for environment in (PRODUCTION, SANDBOX):
            events = _events(environment, seed, as_of)
            catalog = build_catalog(environment)
            usage = _usage(environment, catalog)
            for event in events:
                usage.add(event)
            states[environment] = _state(environment, catalog, usage, events, as_of)
    return Account(seed=seed, states=states, now=as_of)


def earlier(account: Account, midnights: Iterable[datetime]) -> Iterator[Account]:
    """Yield the account as it stood at the start of days before its own instant, without events."""
    for midnight in midnights:
        with localcontext() as context:
            context.traps[Inexact] = True
            states = {
                name: _state(name, now.catalog, now.usage.as_of(midnight), [], midnight)
                for name, now in account.states.items()
            }
        yield Account(seed=account.seed, states=states, now=midnight)


def _scenarios(environment: str) -> list[CustomerScenario]:
    return [scenario for scenario in CUSTOMERS if scenario.environment == environment]


def _usage(environment: str, catalog: Catalog) -> Usage:
    owners = {
        sender: customer_id(scenario)
        for scenario in _scenarios(environment)
        for sender in (customer_id(scenario), *scenario.aliases)
    }
    return Usage(Meter(catalog.metrics.values(), owners))


def _events(environment: str, seed: int, now: datetime) -> list[Event]:
    events = []
    for scenario in _scenarios(environment):
        if scenario.start <= now:
            events.extend(events_of(scenario, seed, now))
    if environment == PRODUCTION:
        events.extend(stray_events(seed, now))
    return sorted(events, key=attrgetter("timestamp", "transaction_id"))


def _state(
    environment: str, catalog: Catalog, usage: Usage, events: list[Event], now: datetime
) -> AccountState:
    """Return the state of an environment at an instant. All of `usage` was known by then."""
    scenarios = [scenario for scenario in _scenarios(environment) if scenario.start <= now]
    state = AccountState(environment, catalog, now, usage, events=events)
    for scenario in scenarios:
        _add_customer(scenario, state)
    contracts = signed_contracts()
    keys = {scenario.key for scenario in scenarios}
    grants = [grant for grant in new_grants() if grant.customer_key in keys]
    for scenario in scenarios:
        key = customer_id(scenario)
        if scenario.plan:
            state.customer_plans[key] = [_customer_plan(scenario, catalog.plans[scenario.plan])]
            state.invoices.extend(plan_invoices(scenario, catalog, usage, grants, now))
        elif scenario.key in contracts:
            bill_contracts(scenario, contracts[scenario.key], state)
    records, ledgers = grant_records(grants, catalog.credit_types, now)
    state.grants.extend(records)
    state.ledgers.extend(ledgers)
    for scenario in scenarios:
        _later_events(scenario, state)
    return state


def _add_customer(scenario: CustomerScenario, state: AccountState) -> None:
    customer = _customer(scenario)
    changed_at = scenario.archived_at or (RENAMED_AT if scenario.formerly else None)
    if changed_at and changed_at <= state.now:
        before = {"name": scenario.formerly or scenario.name, "archived_at": None}
        state.customer_versions[customer["id"]] = [
            Version(scenario.start, before),
            Version(changed_at, {}),
        ]
        customer["updated_at"] = to_text(changed_at, ".000Z")
        customer["archived_at"] = to_text(changed_at, ".000Z") if scenario.archived_at else None
    elif scenario.formerly:
        customer["name"] = scenario.formerly
    state.customers.append(customer)
    if scenario.status:
        state.billing_provider[customer["id"]] = ["stripe", f"cus_{scenario.key}"]


def _customer(scenario: CustomerScenario) -> Record:
    """Return a customer as it was created."""
    key = customer_id(scenario)
    return {
        "id": key,
        "name": scenario.name,
        "external_id": scenario.aliases[0] if scenario.aliases else key,
        "ingest_aliases": list(scenario.aliases),
        "customer_config": {"salesforce_account_id": None},
        "custom_fields": {"segment": "staging" if scenario.environment == SANDBOX else "live"},
        "created_at": to_text(scenario.start, ".000Z"),
        "updated_at": to_text(scenario.start, ".000Z"),
        "archived_at": None,
    }


def _customer_plan(scenario: CustomerScenario, plan: Record) -> Record:
    customer_plan = {
        "id": make_id("customer plan", scenario.key),
        "plan_id": plan["id"],
        "plan_name": plan["name"],
        "plan_description": plan["description"],
        "starting_on": to_text(scenario.start),
        "custom_fields": {},
    }
    if scenario.end:
        customer_plan["ending_before"] = to_text(scenario.end)
    if scenario.terms is not None:
        customer_plan["net_payment_terms_days"] = scenario.terms
    return customer_plan


def _later_events(scenario: CustomerScenario, state: AccountState) -> None:
    """Apply payments, voids, regenerations and undocumented fields to invoices."""
    owner = customer_id(scenario)
    invoices = [invoice for invoice in state.invoices if invoice["customer_id"] == owner]
    for invoice in invoices:
        issued_at = to_time(invoice["issued_at"])
        external = invoice.get("external_invoice")
        if external and external["external_status"] == "PAID":
            sent = {"external_invoice": {**external, "external_status": "SENT"}}
            state.invoice_versions[invoice["id"]] = [
                Version(issued_at, sent),
                Version(issued_at + PAID_AFTER, {}),
            ]
    if scenario.key == "halcyon_labs" and state.now >= VOIDED_AT:
        march = _of_month(invoices, 3)
        _void(march, VOIDED_AT, state)
        state.invoices.append(regenerate(march, scenario, state.catalog, state.usage, state.now))
    if scenario.key == "mirage_retail" and state.now >= day(3, 11):
        _void(_of_month(invoices, 2), day(3, 11), state)
    if scenario.key == "ledger_lane" and state.now >= VOIDED_LANE_AT:
        _void(_of_month(invoices, 2), VOIDED_LANE_AT, state)
    if scenario.key == "polaris":
        # Clients must accept undocumented fields and values.
        invoices[0]["type"] = "PLAN_TRUE_UP"
        invoices[0]["revenue_recognition"] = {"schedule": "straight_line"}
        invoices[0]["line_items"][0]["sustainability_score"] = 3


def _of_month(invoices: list[Record], month: int) -> Record:
    """Return the invoice of a calendar month of 2024."""
    start = to_text(day(month, 1), "")
    return next(
        invoice for invoice in invoices if invoice.get("start_timestamp", "").startswith(start)
    )


def _void(invoice: Record, at: datetime, state: AccountState) -> None:
    state.invoice_versions[invoice["id"]] = [
        Version(to_time(invoice["issued_at"]), {"status": invoice["status"]}),
        Version(at, {}),
    ]
    invoice["status"] = "VOID"
