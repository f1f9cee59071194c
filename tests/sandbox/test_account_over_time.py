"""The account at a later instant: the past stays, drafts grow, are finalized, paid and voided."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from sandbox.core.records import Record, to_time
from tests.sandbox.accounts import CLOCKS, account_at, of_customer


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
