"""The simulated account: everything adds up, and the special cases exist."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pipelines.sandbox.account import NOW, PRODUCTION, SANDBOX, Account, Books, Record, to_time
from pipelines.sandbox.simulation import simulate


@pytest.fixture(scope="module", params=[PRODUCTION, SANDBOX])
def books(request: pytest.FixtureRequest, account: Account) -> Books:
    return account.books[request.param]


def amount(records: list[Record], key: str = "total") -> Decimal:
    return sum((record[key] for record in records), Decimal(0))


def of_customer(books: Books, name: str) -> list[Record]:
    return books.invoices_by_customer[books.customer(name)["id"]]


def test_plan_invoices_add_up_at_every_level(books: Books):
    plans = [invoice for invoice in books.invoices if "plan_id" in invoice]
    assert plans
    for invoice in plans:
        for line in invoice["line_items"]:
            for sub in line["sub_line_items"]:
                priced = sub.get("tiers") or [{**sub, "price": sub.get("price", 0)}]
                assert sub["subtotal"] == sum(tier["quantity"] * tier["price"] for tier in priced)
                assert sub["quantity"] == amount(priced, "quantity")
                starts = [tier["starting_at"] for tier in sub.get("tiers", [])]
                assert starts == sorted(starts)
            assert line["quantity"] == 1
            assert line["total"] == amount(line["sub_line_items"], "subtotal")
        assert invoice["subtotal"] == amount(invoice["line_items"])
        assert invoice["total"] == invoice["subtotal"] + amount(invoice["invoice_adjustments"])


def test_contract_invoices_add_up(account: Account):
    contracts = [item for item in account.production.invoices if "contract_id" in item]
    assert {invoice["type"] for invoice in contracts} == {"USAGE", "SCHEDULED"}
    for invoice in contracts:
        assert invoice["total"] == amount(invoice["line_items"])
        for line in invoice["line_items"]:
            if line["type"] != "applied_commit_or_credit":
                assert line["total"] == line["quantity"] * line["unit_price"]
                same = [
                    item for item in invoice["line_items"] if item["name"].startswith(line["name"])
                ]
                assert amount(same) >= 0, "credits never pay more than the charge"


def test_quantities_are_event_sums_over_half_open_periods(books: Books):
    charges = {charge["id"]: charge["billable_metric"] for charge in books.catalog.plan_charges}
    senders: dict[str, list] = {}
    for event in books.events:
        senders.setdefault(event.customer, []).append(event)
    checked = 0
    for customer in books.customers:
        sent = [
            event
            for sender in (customer["id"], *customer["ingest_aliases"])
            for event in senders.get(sender, [])
        ]
        for invoice in books.invoices_by_customer.get(customer["id"], []):
            if "plan_id" not in invoice:
                continue
            start, end = to_time(invoice["start_timestamp"]), to_time(invoice["end_timestamp"])
            # Usage that came in after the invoice's issue counts only once it is regenerated.
            known = NOW if "regenerated_from_invoice_id" in invoice else end + timedelta(days=1)
            inside = [
                event
                for event in sent
                if start <= event.timestamp < end and event.received_at <= max(known, end)
            ]
            for sub in (sub for line in invoice["line_items"] for sub in line["sub_line_items"]):
                metric = charges[sub["charge_id"]]
                listed = metric["property_filters"][1]
                expected = sum(
                    Decimal(event.properties[metric["aggregation_key"]])
                    for event in inside
                    if event.event_type in metric["event_type_filter"]["in_values"]
                    and event.properties[listed["name"]] in listed["in_values"]
                )
                assert sub["quantity"] == expected, (customer["name"], sub["name"], start)
                checked += bool(expected)
    assert checked > 40


def test_periods_and_statuses(books: Books):
    for invoice in books.invoices:
        if invoice["type"] == "SCHEDULED":
            assert "start_timestamp" not in invoice
            continue
        end, issued_at = to_time(invoice["end_timestamp"]), to_time(invoice["issued_at"])
        assert to_time(invoice["start_timestamp"]) < end
        assert (invoice["status"] == "DRAFT") == (end + timedelta(days=1) > NOW)
        if "regenerated_from_invoice_id" not in invoice:
            assert issued_at == end + timedelta(days=1)


def test_a1_company_starts_with_a_single_day(account: Account):
    first, march, april = of_customer(account.production, "A1 Company")
    assert (first["start_timestamp"], first["end_timestamp"]) == (
        "2024-02-29T00:00:00Z",
        "2024-03-01T00:00:00Z",
    )
    assert [first["status"], march["status"], april["status"]] == [
        "FINALIZED",
        "FINALIZED",
        "DRAFT",
    ]
    assert march["total"] % 1 != 0


def test_void_and_regenerated_invoices(account: Account):
    voided = [invoice for invoice in account.production.invoices if invoice["status"] == "VOID"]
    assert len(voided) == 2
    (successor,) = [
        invoice
        for invoice in account.production.invoices
        if "regenerated_from_invoice_id" in invoice
    ]
    (origin,) = [
        invoice for invoice in voided if invoice["id"] == successor["regenerated_from_invoice_id"]
    ]
    assert origin["start_timestamp"] == successor["start_timestamp"]
    assert origin["issued_at"] < successor["issued_at"]
    assert origin["total"] < successor["total"]


def test_minimum_tops_up_and_grants_cover(account: Account):
    for invoice in of_customer(account.production, "Monmouth Freight"):
        assert invoice["subtotal"] < invoice["total"] == 100000
        assert invoice["invoice_adjustments"][0]["name"] == "Monthly minimum ($1,000)"
    march = of_customer(account.production, "Juniper Press")[2]
    assert march["total"] == 0 < march["subtotal"]
    january = of_customer(account.production, "Kestrel Media")[0]
    assert 0 < january["total"] < january["subtotal"]


def test_grants_and_their_ledgers_agree(books: Books):
    invoices = {invoice["id"]: invoice for invoice in books.invoices}
    for row in books.ledgers:
        for ledger in row["ledgers"]:
            running = ledger["starting_balance"]["excluding_pending"]
            for entry in ledger["entries"] + ledger["pending_entries"]:
                running += entry["amount"]
                assert entry["running_balance"] == running
            ending = ledger["ending_balance"]
            assert ending["including_pending"] == running
            pending = amount(ledger["pending_entries"], "amount")
            assert ending["excluding_pending"] == running - pending
            started = [
                grant["balance"]
                for grant in books.grants
                if grant["customer_id"] == row["customer_id"]
                and grant["grant_amount"]["credit_type"] == ledger["credit_type"]
                and to_time(grant["effective_at"]) <= NOW
            ]
            for key in ("excluding_pending", "including_pending"):
                assert ending[key] == amount(started, key)
    for grant in books.grants:
        for entry in grant["deductions"] + grant["pending_deductions"]:
            adjustments = invoices[entry["invoice_id"]]["invoice_adjustments"]
            assert {"credit_grant_id": grant["id"], "total": entry["amount"]}.items() <= next(
                item for item in adjustments if item.get("credit_grant_id") == grant["id"]
            ).items()


def test_balances_are_the_ledger_of_open_segments(account: Account):
    books = account.production
    balances = [balance for items in books.balances.values() for balance in items]
    assert {balance["type"] for balance in balances} == {"PREPAID", "CREDIT"}
    for balance in balances:
        usable = {
            item["id"]
            for item in balance["access_schedule"]["schedule_items"]
            if to_time(item["starting_at"]) <= NOW < to_time(item["ending_before"])
        }
        entries = [entry for entry in balance["ledger"] if entry["segment_id"] in usable]
        assert balance["balance"] == amount(entries, "amount")
        for item in balance["access_schedule"]["schedule_items"]:
            own = [entry for entry in balance["ledger"] if entry["segment_id"] == item["id"]]
            assert amount(own, "amount") == 0 or to_time(item["ending_before"]) > NOW
    applied = [
        (invoice["id"], line["applied_commit_or_credit"]["id"], line["total"])
        for invoice in books.invoices
        for line in invoice["line_items"]
        if line["type"] == "applied_commit_or_credit"
    ]
    deducted = [
        (entry["invoice_id"], balance["id"], entry["amount"])
        for balance in balances
        for entry in balance["ledger"]
        if "invoice_id" in entry
    ]
    for key in {key[:2] for key in applied + deducted}:
        lines = sum(total for *pair, total in applied if tuple(pair) == key)
        assert lines == sum(total for *pair, total in deducted if tuple(pair) == key)


def test_the_cast_is_complete(account: Account):
    books = account.production
    names = [customer["name"] for customer in books.customers]
    assert names.count("Globex") == 2
    assert any("," in name for name in names)
    assert any('"' in name for name in names)
    assert any("\n" in name for name in names)
    assert any(name.startswith("=") for name in names)
    assert sum(not name.isascii() for name in names) == 3
    silent = books.customer("Blank Slate Holdings")["id"]
    assert silent not in books.invoices_by_customer
    assert silent not in books.customer_plans
    units = {item["credit_type"]["name"] for item in of_customer(books, "Dual Horizon")}
    assert units == {"USD (cents)", "AI Credits"}
    assert {item["credit_type"]["name"] for item in of_customer(books, "Europa Verkehr GmbH")} == {
        "EUR"
    }
    drafts = [item for item in of_customer(books, "Ibex Mobility") if item["status"] == "DRAFT"]
    assert [item["end_timestamp"][:10] for item in drafts] == ["2024-04-15", "2024-05-15"]
    future = [
        item
        for item in books.invoices
        if to_time(item["issued_at"]) > datetime(2024, 6, 1, tzinfo=UTC)
    ]
    assert [item["type"] for item in future] == ["SCHEDULED"]
    statuses = {
        item["external_invoice"] and item["external_invoice"]["external_status"]
        for item in books.invoices
        if "external_invoice" in item
    }
    assert {None, "PAID", "SENT", "PAYMENT_FAILED"} <= statuses


def test_another_seed_changes_usage_but_no_identity(account: Account):
    other = simulate(seed=8).production
    assert [item["id"] for item in other.invoices] == [
        item["id"] for item in account.production.invoices
    ]
    assert (
        of_customer(other, "A1 Company")[1]["total"]
        != of_customer(account.production, "A1 Company")[1]["total"]
    )
