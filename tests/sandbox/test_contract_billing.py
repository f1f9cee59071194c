"""Contracts: invoices, commits and credits add up, and the special cases exist."""

from decimal import Decimal

from sandbox.core.account import Account
from sandbox.core.records import USD_ID, to_time
from sandbox.scenario.catalog import CENTS_PER_AI_CREDIT
from tests.sandbox.accounts import account_at, amount, of_customer


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


def test_prices_are_those_of_the_rate_card_except_overrides(account: Account):
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
