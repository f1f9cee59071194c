"""The simulated account: everything adds up at any clock, and the special cases exist."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sandbox.billing.simulate import simulate
from sandbox.core.account import Account, AccountState
from sandbox.core.records import to_time
from tests.sandbox.accounts import amount, of_customer


def test_plan_invoices_add_up_at_every_level(state: AccountState):
    plans = [invoice for invoice in state.invoices if "plan_id" in invoice]
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


def test_quantities_are_event_sums_over_half_open_periods(state: AccountState):
    charges = {charge["id"]: charge["billable_metric"] for charge in state.catalog.plan_charges}
    senders: dict[str, list] = {}
    for event in state.events:
        senders.setdefault(event.customer, []).append(event)
    checked = 0
    for customer in state.customers:
        sent = [
            event
            for sender in (customer["id"], *customer["ingest_aliases"])
            for event in senders.get(sender, [])
        ]
        for invoice in state.invoices_by_customer.get(customer["id"], []):
            if "plan_id" not in invoice:
                continue
            start, end = to_time(invoice["start_timestamp"]), to_time(invoice["end_timestamp"])
            # Usage after the issue of the invoice counts only after it is regenerated.
            known = (
                state.now if "regenerated_from_invoice_id" in invoice else end + timedelta(days=1)
            )
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
    assert checked > 10


def test_periods_and_statuses(state: AccountState):
    for invoice in state.invoices:
        if invoice["type"] == "SCHEDULED":
            assert "start_timestamp" not in invoice
            continue
        end, issued_at = to_time(invoice["end_timestamp"]), to_time(invoice["issued_at"])
        assert to_time(invoice["start_timestamp"]) < end
        assert (invoice["status"] == "DRAFT") == (end + timedelta(days=1) > state.now)
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
    assert len(voided) == 3
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


def test_grants_and_their_ledgers_agree(state: AccountState):
    invoices = {invoice["id"]: invoice for invoice in state.invoices}
    for row in state.ledgers:
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
                for grant in state.grants
                if grant["customer_id"] == row["customer_id"]
                and grant["grant_amount"]["credit_type"] == ledger["credit_type"]
                and to_time(grant["effective_at"]) <= state.now
            ]
            for key in ("excluding_pending", "including_pending"):
                assert ending[key] == amount(started, key)
    for grant in state.grants:
        for entry in grant["deductions"] + grant["pending_deductions"]:
            adjustments = invoices[entry["invoice_id"]]["invoice_adjustments"]
            assert {"credit_grant_id": grant["id"], "total": entry["amount"]}.items() <= next(
                item for item in adjustments if item.get("credit_grant_id") == grant["id"]
            ).items()


def test_the_special_cases_exist(account: Account):
    state = account.production
    names = [customer["name"] for customer in state.customers]
    assert names.count("Globex") == 2
    assert any("," in name for name in names)
    assert any('"' in name for name in names)
    assert any("\n" in name for name in names)
    assert any(name.startswith("=") for name in names)
    assert sum(not name.isascii() for name in names) == 3
    silent = state.customer("Blank Slate Holdings")["id"]
    assert silent not in state.invoices_by_customer
    assert silent not in state.customer_plans
    units = {item["credit_type"]["name"] for item in of_customer(state, "Dual Horizon")}
    assert units == {"USD (cents)", "AI Credits"}
    assert {item["credit_type"]["name"] for item in of_customer(state, "Europa Verkehr GmbH")} == {
        "EUR"
    }
    drafts = [item for item in of_customer(state, "Ibex Mobility") if item["status"] == "DRAFT"]
    assert [item["end_timestamp"][:10] for item in drafts] == ["2024-04-15", "2024-05-15"]
    future = [
        item
        for item in state.invoices
        if to_time(item["issued_at"]) > datetime(2024, 6, 1, tzinfo=UTC)
    ]
    assert {item["type"] for item in future} == {"SCHEDULED"}
    twins = of_customer(state, "Twin Peaks Outfitters")
    drafts = [item for item in twins if item["status"] == "DRAFT"]
    assert len({item["contract_id"] for item in drafts}) == len(drafts) == 2
    assert {item["credit_type"]["name"] for item in of_customer(state, "Danube Shipping SE")} == {
        "EUR"
    }
    statuses = {
        item["external_invoice"] and item["external_invoice"]["external_status"]
        for item in state.invoices
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


# The clock
