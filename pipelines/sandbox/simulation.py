"""Run the account's cast through its billing: events, then usage, then invoices and balances."""

from datetime import datetime, timedelta
from decimal import Inexact, localcontext

from pipelines.sandbox.account import (
    NOW,
    PRODUCTION,
    SANDBOX,
    Account,
    Books,
    Record,
    Version,
    make_id,
    to_text,
    to_time,
)
from pipelines.sandbox.cast import MEMBERS, Member, day
from pipelines.sandbox.catalog import build_catalog
from pipelines.sandbox.contract_billing import bill_contract, signed_terms
from pipelines.sandbox.grants import grant_books, new_grants
from pipelines.sandbox.plan_billing import VOIDED_AT, plan_invoices, regenerate
from pipelines.sandbox.usage import Usage, customer_id, member_events, stray_events


def simulate(seed: int = 7, scale: int = 1) -> Account:
    """Simulate the account.

    Args:
        seed: Changes usage, and so amounts; customers, plans and ids stay the same.
        scale: How many times the customers and events occur, see `Account`.

    Raises:
        decimal.Inexact: An amount would have been rounded; no catalog price allows that.
    """
    with localcontext() as context:
        context.traps[Inexact] = True
        books = {
            environment: _environment(environment, seed) for environment in (PRODUCTION, SANDBOX)
        }
    return Account(seed=seed, books=books, scale=scale)


def _environment(environment: str, seed: int) -> Books:
    members = [member for member in MEMBERS if member.environment == environment]
    catalog = build_catalog(environment)
    books = Books(environment, catalog)
    owners = {}
    for member in members:
        customer = _customer(member)
        books.customers.append(customer)
        owners |= dict.fromkeys([customer["id"], *member.aliases], customer["id"])
        books.events.extend(member_events(member, seed))
        if member.status:
            books.billing_provider[customer["id"]] = ["stripe", f"cus_{member.key}"]
        if member.formerly or member.archived_at:
            before = {"name": member.formerly or member.name, "archived_at": None}
            books.customer_versions[customer["id"]] = [
                Version(member.start, before),
                Version(to_time(customer["updated_at"]), {}),
            ]
    if environment == PRODUCTION:
        books.events.extend(stray_events(seed))
    books.events.sort(key=lambda event: (event.timestamp, event.transaction_id))

    usage = Usage(catalog.metrics.values(), owners)
    for event in books.events:
        usage.add(event)

    contracts = signed_terms()
    grants = [grant for grant in new_grants() if make_id("customer", grant.member) in owners]
    for member in members:
        key = customer_id(member)
        if member.plan:
            books.customer_plans[key] = [_customer_plan(member, catalog.plans[member.plan])]
            books.invoices.extend(plan_invoices(member, catalog, usage, grants))
        elif member.key in contracts:
            contract, invoices, balances = bill_contract(
                member, contracts[member.key], catalog, usage
            )
            books.contracts[key] = [contract]
            books.balances[key] = balances
            books.invoices.extend(invoices)
    records, ledgers = grant_books(grants, catalog.credit_types)
    books.grants.extend(records)
    books.ledgers.extend(ledgers)
    for member in members:
        _later_events(member, books, usage)
    return books


def _customer(member: Member) -> Record:
    key = customer_id(member)
    updated_at = max(member.start, member.archived_at or member.start)
    if member.formerly:
        updated_at = day(3, 18)
    return {
        "id": key,
        "name": member.name,
        "external_id": member.aliases[0] if member.aliases else key,
        "ingest_aliases": list(member.aliases),
        "customer_config": {"salesforce_account_id": None},
        "custom_fields": {"segment": "staging" if member.environment == SANDBOX else "live"},
        "created_at": to_text(member.start, ".000Z"),
        "updated_at": to_text(updated_at, ".000Z"),
        "archived_at": to_text(member.archived_at, ".000Z") if member.archived_at else None,
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


def _later_events(member: Member, books: Books, usage: Usage) -> None:
    """What happened to finalized invoices: payment, voiding, regeneration; and oddities."""
    invoices = [
        invoice
        for invoice in books.invoices
        if invoice["customer_id"] == customer_id(member) and invoice["status"] == "FINALIZED"
    ]
    for invoice in invoices:
        issued_at = to_time(invoice["issued_at"])
        external = invoice.get("external_invoice")
        if external and member.status == "PAID" and issued_at + timedelta(days=6) <= NOW:
            sent = {"external_invoice": {**external, "external_status": "SENT"}}
            paid_at = issued_at + timedelta(days=6)
            books.invoice_versions[invoice["id"]] = [Version(issued_at, sent), Version(paid_at, {})]
    if member.key == "halcyon_labs":
        march = invoices[-1]
        _void(march, VOIDED_AT, books)
        books.invoices.append(regenerate(march, member, books.catalog, usage))
    if member.key == "mirage_retail":
        _void(invoices[1], day(3, 11), books)
    if member.key == "polaris":
        # What a client must survive: fields and values that no documentation names.
        invoices[0]["type"] = "PLAN_TRUE_UP"
        invoices[0]["revenue_recognition"] = {"schedule": "straight_line"}
        invoices[0]["line_items"][0]["sustainability_score"] = 3


def _void(invoice: Record, at: datetime, books: Books) -> None:
    books.invoice_versions[invoice["id"]] = [
        Version(to_time(invoice["issued_at"]), {"status": invoice["status"]}),
        Version(at, {}),
    ]
    invoice["status"] = "VOID"
