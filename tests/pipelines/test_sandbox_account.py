"""The simulated account: everything adds up at any clock, and the special cases exist."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise

import pytest

from sandbox.billing.simulate import simulate
from sandbox.core.account import Account, AccountState
from sandbox.core.records import NOW, PRODUCTION, SANDBOX, USD_ID, Record, to_time
from sandbox.scenario.catalog import CENTS_PER_AI_CREDIT

CLOCKS = (
    datetime(2024, 2, 1, tzinfo=UTC),
    datetime(2024, 3, 16, 11, 20, tzinfo=UTC),
    NOW,
    datetime(2024, 6, 12, 23, 59, 59, tzinfo=UTC),
)


@cache
def account_at(*moment: int) -> Account:
    """The account at a time of 2024."""
    return simulate(as_of=datetime(2024, *moment, tzinfo=UTC))


@pytest.fixture(scope="module", params=CLOCKS, ids=str)
def clock(request: pytest.FixtureRequest) -> Account:
    """The account at one of several clocks."""
    return simulate(as_of=request.param)


@pytest.fixture(scope="module", params=[PRODUCTION, SANDBOX])
def state(request: pytest.FixtureRequest, clock: Account) -> AccountState:
    return clock.states[request.param]


def amount(records: list[Record], key: str = "total") -> Decimal:
    return sum((record[key] for record in records), Decimal(0))


def of_customer(state: AccountState, name: str) -> list[Record]:
    return state.invoices_by_customer[state.customer(name)["id"]]


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


def test_contract_invoices_add_up(clock: Account):
    contracts = [item for item in clock.production.invoices if "plan_id" not in item]
    kinds = {invoice["type"] for invoice in contracts}
    assert kinds == {"USAGE", "SCHEDULED", "USAGE_CONSOLIDATED"}
    for invoice in contracts:
        counted = [
            line
            for line in invoice["line_items"]
            if line["credit_type"] == invoice["credit_type"]
            and line.get("applied_commit_or_credit", {}).get("type") != "POSTPAID"
        ]
        assert invoice["total"] == amount(counted)
        for line in invoice["line_items"]:
            if line["type"] != "applied_commit_or_credit":
                assert line["total"] == line["quantity"] * line["unit_price"]
                same = [
                    item for item in invoice["line_items"] if item["name"].startswith(line["name"])
                ]
                assert amount(same) >= 0, "credits never pay more than the charge"


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
            # Usage that came in after the invoice's issue counts only once it is regenerated.
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


def test_balances_are_the_ledger_of_open_segments(clock: Account):
    state = clock.production
    balances = [balance for items in state.balances.values() for balance in items]
    assert {balance["type"] for balance in balances} == {"PREPAID", "POSTPAID", "CREDIT"}
    for balance in balances:
        items = balance["access_schedule"]["schedule_items"]
        usable = {
            item["id"]
            for item in items
            if to_time(item["starting_at"]) <= state.now < to_time(item["ending_before"])
        }
        entries = [
            entry
            for entry in balance["ledger"]
            if usable and entry.get("segment_id", next(iter(usable))) in usable
        ]
        assert balance["balance"] == max(amount(entries, "amount"), 0)
        times = [to_time(entry["timestamp"]) for entry in balance["ledger"]]
        assert times == sorted(times)
        if not [item for item in items if to_time(item["ending_before"]) > state.now]:
            assert amount(balance["ledger"], "amount") == 0, "a fund that has ended is closed"


def test_invoices_and_ledgers_agree_on_what_was_applied(clock: Account):
    state = clock.production
    constituents = {
        item["invoice_id"]
        for invoice in state.invoices
        for item in invoice.get("constituent_invoices", [])
    }
    applied: dict[tuple[str, str], Decimal] = {}
    for invoice in state.invoices:
        if invoice["type"] == "USAGE_CONSOLIDATED":
            assert constituents
            continue
        for line in invoice["line_items"]:
            if line["type"] == "applied_commit_or_credit":
                key = invoice["id"], line["applied_commit_or_credit"]["id"]
                applied[key] = applied.get(key, Decimal(0)) + line["total"]
    deducted, given_back = {}, {}
    for balance in (balance for items in state.balances.values() for balance in items):
        for entry in balance["ledger"]:
            if entry["type"].endswith("_AUTOMATED_INVOICE_DEDUCTION"):
                deducted[entry["invoice_id"], balance["id"]] = entry
            elif entry["type"].endswith("_CREDITED"):
                given_back[entry["invoice_id"], balance["id"]] = -entry["amount"]
    assert {key: entry["amount"] for key, entry in deducted.items()} == applied
    invoices = {invoice["id"]: invoice for invoice in state.invoices}
    for (invoice_id, _), entry in deducted.items():
        assert to_time(entry["timestamp"]) == to_time(invoices[invoice_id]["end_timestamp"])
    assert given_back == {
        key: total for key, total in applied.items() if invoices[key[0]]["status"] == "VOID"
    }


def test_custom_units_enter_the_total_by_the_conversion(clock: Account):
    invoices = of_customer(clock.production, "Token Harbor")
    for invoice in invoices:
        custom = [line for line in invoice["line_items"] if line["credit_type"]["id"] != USD_ID]
        due = amount(custom) * CENTS_PER_AI_CREDIT
        assert due == amount(
            [line for line in invoice["line_items"] if line["type"] == "cpu_conversion"]
        )
    assert invoices[0]["total"] > due
    assert [line["type"] for line in invoices[0]["line_items"]].count("cpu_conversion") == 1


def test_a_consolidated_invoice_sums_up_its_constituents(clock: Account):
    invoices = of_customer(clock.production, "Consolidated Mills")
    by_id = {invoice["id"]: invoice for invoice in invoices}
    whole = [invoice for invoice in invoices if invoice["type"] == "USAGE_CONSOLIDATED"]
    assert len(invoices) == 3 * len(whole)
    for invoice in whole:
        parts = [by_id[item["invoice_id"]] for item in invoice["constituent_invoices"]]
        assert len({part["contract_id"] for part in parts}) == 2
        assert amount(parts) == invoice["total"]
        for part in parts:
            assert part["start_timestamp"] == invoice["start_timestamp"]
            assert part["status"] == invoice["status"]
            assert "external_invoice" not in part
        lines = [line for part in parts for line in part["line_items"]]
        origins = [
            (line["origin"]["invoice_id"], line["origin"]["contract_id"])
            for line in invoice["line_items"]
        ]
        assert origins == [
            (part["id"], part["contract_id"]) for part in parts for _ in part["line_items"]
        ]
        assert [
            {key: value for key, value in line.items() if key != "origin"}
            for line in invoice["line_items"]
        ] == lines


def test_a_postpaid_commit_is_trued_up_when_its_contract_ends(account: Account):
    *usage, true_up = of_customer(account.production, "Copperline Foundry")
    (commit,) = account.production.balances[true_up["customer_id"]]
    used = amount(usage)
    assert (true_up["status"], true_up["issued_at"][:10]) == ("DRAFT", "2024-06-01")
    assert true_up["line_items"][0]["postpaid_commit"] == {"id": commit["id"]}
    assert commit["balance"] == true_up["total"] == 150000 - used
    later = account_at(6, 12).production
    *usage, final = of_customer(later, "Copperline Foundry")
    (closed,) = later.balances[final["customer_id"]]
    assert (final["id"], final["status"]) == (true_up["id"], "FINALIZED")
    assert final["total"] + amount(usage) == 150000
    assert closed["balance"] == 0
    entry = closed["ledger"][-1]
    assert (entry["type"], entry["amount"]) == ("POSTPAID_COMMIT_TRUEUP", -final["total"])


def test_a_renewal_takes_over_half_of_what_was_left(account: Account):
    state = account.production
    customer = state.customer("Meridian Robotics")["id"]
    first, second = state.contracts[customer]
    step = {
        "type": "RENEWAL",
        "from_contract_id": first["id"],
        "to_contract_id": second["id"],
    }
    assert first["transitions"] == second["transitions"] == [step]
    assert first["ending_before"] == second["starting_at"]
    rolled, expired = first["commits"][0]["ledger"][-2:]
    assert (rolled["type"], rolled["new_contract_id"]) == ("PREPAID_COMMIT_ROLLOVER", second["id"])
    assert rolled["amount"] == expired["amount"] < 0
    inherited = second["commits"][0]
    assert inherited["rolled_over_from"]["commit_id"] == first["commits"][0]["id"]
    assert inherited["ledger"][0]["amount"] == -rolled["amount"]
    before = account_at(3, 16).production
    assert [item["transitions"] for item in before.contracts[customer]] == [[]]


def test_a_contract_lists_part_of_its_commits(account: Account):
    state = account.production
    customer = state.customer("Hundred Acre Energy")["id"]
    (contract,) = state.contracts[customer]
    listed = state.balances[customer]
    assert contract["has_more"] == {"commits": True, "credits": False}
    assert len(contract["commits"]) == 20 < len(listed) == 27
    assert [balance["id"] for balance in listed if "contract" not in balance] == [listed[-1]["id"]]


def test_ledgers_hold_entries_of_many_kinds(account: Account):
    state = account.production
    customer = state.customer("Ledger Lane Books")["id"]
    overdrawn, commit, archived = state.balances[customer]
    assert (overdrawn["balance"], amount(overdrawn["ledger"], "amount")) == (0, -9500)
    assert (archived["balance"], archived["archived_at"]) == (0, "2024-04-12T11:00:00.000Z")
    assert commit["balance"] > 0
    kinds = {
        entry["type"] for item in state.balances.values() for b in item for entry in b["ledger"]
    }
    assert kinds == {
        *(f"PREPAID_COMMIT_{kind}" for kind in ("SEGMENT_START", "AUTOMATED_INVOICE_DEDUCTION")),
        *(f"PREPAID_COMMIT_{kind}" for kind in ("CREDITED", "MANUAL", "ROLLOVER", "EXPIRATION")),
        *(f"POSTPAID_COMMIT_{kind}" for kind in ("INITIAL_BALANCE", "AUTOMATED_INVOICE_DEDUCTION")),
        *("CREDIT_SEGMENT_START", "CREDIT_AUTOMATED_INVOICE_DEDUCTION"),
        *("CREDIT_EXPIRATION", "CREDIT_MANUAL"),
    }


def test_seats_are_billed_by_number_and_by_name(account: Account):
    state = account.production
    customer = state.customer("Seat Pocket Travel")["id"]
    (contract,) = state.contracts[customer]
    by_number, by_name = contract["subscriptions"]
    assert [item["quantity"] for item in by_number["quantity_schedule"]] == [20, 25, 40]
    assert [item["quantity"] for item in by_name["quantity_schedule"]] == [2, 3, 4]
    seats = state.subscription_seats[by_name["id"]]
    taken = [seat["seat_id"].split("@")[0] for seat in seats if "ending_before" not in seat]
    assert taken == ["mira", "tomas", "ada", "lena"]
    assert [len(edit["update_subscriptions"]) for edit in state.contract_edits[contract["id"]]] == [
        1,
        1,
    ]
    *_, april, support = of_customer(state, "Seat Pocket Travel")
    billed = [
        (line["subscription_id"] == by_name["id"], line["quantity"], line["unit_price"])
        for line in april["line_items"]
        if line["type"] == "subscription"
    ]
    assert billed == [(False, 20, 1000), (False, 25, 2000), (True, 3, 1300), (True, 4, 2600)]
    assert (support["type"], support["status"]) == ("SCHEDULED", "DRAFT")


def test_prices_are_those_of_the_rate_card_but_for_overrides(account: Account):
    catalog = account.production.catalog
    for card in catalog.rate_cards:
        listed = catalog.prices[card["name"]]
        assert {
            rate["product_name"]: rate["rate"]["price"] for rate in catalog.rates[card["id"]]
        } == {
            product["current"]["name"]: listed[name].amount
            for name, product in catalog.contract_products.items()
            if name in listed and product["type"] != "FIXED"
        }
    january, _, march, _ = of_customer(account.production, "Ledger Lane Books")
    assert january["line_items"][0]["unit_price"] == Decimal("0.375")
    assert march["line_items"][0]["unit_price"] == Decimal("0.3")


def test_the_cast_is_complete(account: Account):
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


def test_the_clock_is_part_of_the_account(clock: Account):
    for state in clock.states.values():
        assert state.now == clock.now
        assert all(event.timestamp < clock.now for event in state.events)
        assert all(event.received_at <= clock.now for event in state.events)
        assert all(to_time(item["created_at"]) <= clock.now for item in state.customers)
        for versions in (state.customer_versions, state.invoice_versions):
            assert all(item[-1].updated_at <= clock.now for item in versions.values())


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(CLOCKS)), ids=str)
def test_what_is_past_stays_as_time_goes_by(earlier: datetime, later: datetime):
    before, after = (simulate(as_of=moment).production for moment in (earlier, later))
    assert {item["id"] for item in before.customers} <= {item["id"] for item in after.customers}
    invoices = {invoice["id"]: invoice for invoice in after.invoices}
    for invoice in before.invoices:
        if invoice["status"] == "DRAFT":
            continue
        for key in invoice.keys() - {"status", "external_invoice"}:
            assert invoices[invoice["id"]][key] == invoice[key], key
    balances = {item["id"]: item for items in after.balances.values() for item in items}
    for balance in (item for items in before.balances.values() for item in items):
        past = [entry for entry in balance["ledger"] if to_time(entry["timestamp"]) <= earlier]
        settled = [
            entry for entry in past if to_time(entry["timestamp"]) + timedelta(days=1) <= earlier
        ]
        assert [entry for entry in settled if entry not in balances[balance["id"]]["ledger"]] == []
    past = [event.transaction_id for event in before.events if event.timestamp < earlier]
    known = {event.transaction_id for event in after.events}
    assert set(past) <= known


def test_a_draft_grows_until_it_is_finalized_and_paid():
    months = [
        next(
            item
            for item in of_customer(account_at(*moment).production, "A1 Company")
            if item["start_timestamp"].startswith("2024-03")
        )
        for moment in ((3, 8), (3, 25), (4, 1, 23, 59), (4, 2), (4, 8))
    ]
    assert len({item["id"] for item in months}) == 1
    assert [item["status"] for item in months] == ["DRAFT"] * 3 + ["FINALIZED"] * 2
    first, second, closing, final, paid = months
    assert 0 < first["total"] < second["total"] < closing["total"] == final["total"]
    assert final["external_invoice"]["external_status"] == "SENT"
    assert paid["external_invoice"]["external_status"] == "PAID"


def test_an_invoice_is_voided_and_regenerated_at_its_time():
    before, after = (
        of_customer(account_at(4, 9, 15, minute).production, "Halcyon Labs") for minute in (29, 30)
    )
    assert [item["status"] for item in before] == ["FINALIZED"] * 3 + ["DRAFT"]
    assert [item["status"] for item in after] == [
        *("FINALIZED", "FINALIZED", "VOID", "DRAFT", "FINALIZED")
    ]
    assert after[-1]["regenerated_from_invoice_id"] == after[2]["id"] == before[2]["id"]


def test_customers_come_are_renamed_and_are_archived():
    february, march, april = (
        account_at(*moment).production for moment in ((2, 20), (3, 18), (4, 15))
    )
    names = [{item["name"] for item in state.customers} for state in (february, march, april)]
    assert "A1 Company" not in names[0]
    assert "A1 Company" in names[1]
    assert "Oldname Systems" in names[0]
    assert "Newname Systems" in names[1]
    archived = [
        state.customer("Atlas Freight & Sons")["archived_at"] for state in (february, march, april)
    ]
    assert archived == [None, None, "2024-03-20T16:05:00.000Z"]


def test_drafts_disappear_with_an_edit_and_with_their_contract():
    def drafts(*moment: int) -> list[str]:
        return [
            item["line_items"][0]["name"] + " " + item["type"]
            for item in of_customer(account_at(*moment).production, "Twin Peaks Outfitters")
            if item["status"] == "DRAFT"
        ]

    compute, api = "Compute c6.large USAGE", "API requests USAGE"
    pilot = ["Compute r6.2xlarge USAGE", "Annual support SCHEDULED"]
    assert drafts(4, 4) == [compute, "Onboarding SCHEDULED", api, *pilot]
    assert drafts(4, 8) == [compute, api, *pilot]
    assert drafts(4, 11) == drafts(4, 15) == [compute, api]
    state = account_at(4, 11).production
    contracts = state.contracts[state.customer("Twin Peaks Outfitters")["id"]]
    assert ["archived_at" in contract for contract in contracts] == [False, False, True]
    assert [len(state.contract_edits.get(contract["id"], [])) for contract in contracts] == [
        1,
        1,
        0,
    ]


def test_an_archived_credit_pays_for_nothing_more():
    before, after = (account_at(4, day).production for day in (8, 13))
    key = before.customer("Ledger Lane Books")["id"]
    _, commit, trial = before.balances[key]
    assert 0 < trial["balance"] < 30000
    assert "archived_at" not in trial
    payers = [
        {
            line["commit_id"]
            for line in of_customer(state, "Ledger Lane Books")[-1]["line_items"]
            if "commit_id" in line
        }
        for state in (before, after)
    ]
    assert payers == [{trial["id"]}, {commit["id"]}]
    assert after.balances[key][-1]["archived_at"] == "2024-04-12T11:00:00.000Z"


def test_pending_deductions_of_grants_are_posted_at_the_period_end():
    def juniper(*moment: int) -> Record:
        state = account_at(*moment).production
        key = state.customer("Juniper Press")["id"]
        return next(grant for grant in state.grants if grant["customer_id"] == key)

    march, april = juniper(3, 31), juniper(4, 1)
    assert march["pending_deductions"][0]["effective_at"] == "2024-04-01T00:00:00Z"
    assert march["balance"]["effective_at"] == "2024-04-01T00:00:00Z"
    assert len(april["deductions"]) == len(march["deductions"]) + 1
    assert april["balance"]["effective_at"] == "2024-05-01T00:00:00Z"


def test_an_edit_ends_a_contract_from_then_on():
    def ending(*moment: int) -> str | None:
        state = account_at(*moment).production
        contracts = state.contracts[state.customer("Twin Peaks Outfitters")["id"]]
        return contracts[1].get("ending_before")

    assert ending(4, 1) is None
    assert ending(4, 4) == "2024-07-01T00:00:00+00:00"
