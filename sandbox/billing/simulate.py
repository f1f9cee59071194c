"""Run the account's cast through its billing: events, then usage, then invoices and balances."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Inexact, localcontext
from operator import attrgetter

from sandbox.billing.contract_invoices import bill_contracts
from sandbox.billing.grant_ledgers import grant_books
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
from sandbox.scenario.customers import MEMBERS, Member, customer_id
from sandbox.scenario.events import member_events, stray_events
from sandbox.scenario.timeline import PAID_AFTER, RENAMED_AT, VOIDED_AT, VOIDED_LANE_AT, day


def simulate(seed: int = 7, as_of: datetime = NOW) -> Account:
    """Simulate the account as it stands at an instant.

    At two instants it is the same account, earlier and later: ids stay, drafts grow, are
    finalized, paid or voided, and what was signed in between is there only at the later one.

    Args:
        seed: Changes usage, and so amounts; customers, plans and ids stay the same.
        as_of: The account's clock, in UTC.

    Raises:
        decimal.Inexact: An amount would have been rounded; no catalog price allows that.
    """
    with localcontext() as context:
        context.traps[Inexact] = True
        books = {}
        for environment in (PRODUCTION, SANDBOX):
            events = _events(environment, seed, as_of)
            catalog = build_catalog(environment)
            usage = _usage(environment, catalog)
            for event in events:
                usage.add(event)
            books[environment] = _books(environment, catalog, usage, events, as_of)
    return Account(seed=seed, states=books, now=as_of)


def earlier(account: Account, midnights: Iterable[datetime]) -> Iterator[Account]:
    """Yield the account as it stood at the start of days before its own instant, without events."""
    for midnight in midnights:
        with localcontext() as context:
            context.traps[Inexact] = True
            books = {
                name: _books(name, now.catalog, now.usage.as_of(midnight), [], midnight)
                for name, now in account.states.items()
            }
        yield Account(seed=account.seed, states=books, now=midnight)


def _members(environment: str) -> list[Member]:
    return [member for member in MEMBERS if member.environment == environment]


def _usage(environment: str, catalog: Catalog) -> Usage:
    owners = {
        sender: customer_id(member)
        for member in _members(environment)
        for sender in (customer_id(member), *member.aliases)
    }
    return Usage(Meter(catalog.metrics.values(), owners))


def _events(environment: str, seed: int, now: datetime) -> list[Event]:
    events = []
    for member in _members(environment):
        if member.start <= now:
            events.extend(member_events(member, seed, now))
    if environment == PRODUCTION:
        events.extend(stray_events(seed, now))
    return sorted(events, key=attrgetter("timestamp", "transaction_id"))


def _books(
    environment: str, catalog: Catalog, usage: Usage, events: list[Event], now: datetime
) -> AccountState:
    """The books of an environment at an instant, by which all of `usage` was known."""
    members = [member for member in _members(environment) if member.start <= now]
    books = AccountState(environment, catalog, now, usage, events=events)
    for member in members:
        _add_customer(member, books)
    contracts = signed_contracts()
    keys = {member.key for member in members}
    grants = [grant for grant in new_grants() if grant.member in keys]
    for member in members:
        key = customer_id(member)
        if member.plan:
            books.customer_plans[key] = [_customer_plan(member, catalog.plans[member.plan])]
            books.invoices.extend(plan_invoices(member, catalog, usage, grants, now))
        elif member.key in contracts:
            bill_contracts(member, contracts[member.key], books)
    records, ledgers = grant_books(grants, catalog.credit_types, now)
    books.grants.extend(records)
    books.ledgers.extend(ledgers)
    for member in members:
        _later_events(member, books)
    return books


def _add_customer(member: Member, books: AccountState) -> None:
    customer = _customer(member)
    changed_at = member.archived_at or (RENAMED_AT if member.formerly else None)
    if changed_at and changed_at <= books.now:
        before = {"name": member.formerly or member.name, "archived_at": None}
        books.customer_versions[customer["id"]] = [
            Version(member.start, before),
            Version(changed_at, {}),
        ]
        customer["updated_at"] = to_text(changed_at, ".000Z")
        customer["archived_at"] = to_text(changed_at, ".000Z") if member.archived_at else None
    elif member.formerly:
        customer["name"] = member.formerly
    books.customers.append(customer)
    if member.status:
        books.billing_provider[customer["id"]] = ["stripe", f"cus_{member.key}"]


def _customer(member: Member) -> Record:
    """A customer as it was created."""
    key = customer_id(member)
    return {
        "id": key,
        "name": member.name,
        "external_id": member.aliases[0] if member.aliases else key,
        "ingest_aliases": list(member.aliases),
        "customer_config": {"salesforce_account_id": None},
        "custom_fields": {"segment": "staging" if member.environment == SANDBOX else "live"},
        "created_at": to_text(member.start, ".000Z"),
        "updated_at": to_text(member.start, ".000Z"),
        "archived_at": None,
    }


def _customer_plan(member: Member, plan: Record) -> Record:
    customer_plan = {
        "id": make_id("customer plan", member.key),
        "plan_id": plan["id"],
        "plan_name": plan["name"],
        "plan_description": plan["description"],
        "starting_on": to_text(member.start),
        "custom_fields": {},
    }
    if member.end:
        customer_plan["ending_before"] = to_text(member.end)
    if member.terms is not None:
        customer_plan["net_payment_terms_days"] = member.terms
    return customer_plan


def _later_events(member: Member, books: AccountState) -> None:
    """What happened to finalized invoices: payment, voiding, regeneration; and oddities."""
    owner = customer_id(member)
    invoices = [invoice for invoice in books.invoices if invoice["customer_id"] == owner]
    for invoice in invoices:
        issued_at = to_time(invoice["issued_at"])
        external = invoice.get("external_invoice")
        if external and external["external_status"] == "PAID":
            sent = {"external_invoice": {**external, "external_status": "SENT"}}
            books.invoice_versions[invoice["id"]] = [
                Version(issued_at, sent),
                Version(issued_at + PAID_AFTER, {}),
            ]
    if member.key == "halcyon_labs" and books.now >= VOIDED_AT:
        march = _of_month(invoices, 3)
        _void(march, VOIDED_AT, books)
        books.invoices.append(regenerate(march, member, books.catalog, books.usage, books.now))
    if member.key == "mirage_retail" and books.now >= day(3, 11):
        _void(_of_month(invoices, 2), day(3, 11), books)
    if member.key == "ledger_lane" and books.now >= VOIDED_LANE_AT:
        _void(_of_month(invoices, 2), VOIDED_LANE_AT, books)
    if member.key == "polaris":
        # What a client must survive: fields and values that no documentation names.
        invoices[0]["type"] = "PLAN_TRUE_UP"
        invoices[0]["revenue_recognition"] = {"schedule": "straight_line"}
        invoices[0]["line_items"][0]["sustainability_score"] = 3


def _of_month(invoices: list[Record], month: int) -> Record:
    """The invoice of a calendar month of 2024."""
    start = to_text(day(month, 1), "")
    return next(
        invoice for invoice in invoices if invoice.get("start_timestamp", "").startswith(start)
    )


def _void(invoice: Record, at: datetime, books: AccountState) -> None:
    books.invoice_versions[invoice["id"]] = [
        Version(to_time(invoice["issued_at"]), {"status": invoice["status"]}),
        Version(at, {}),
    ]
    invoice["status"] = "VOID"
