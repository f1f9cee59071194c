"""Test the API's filters: each list narrows as Metronome documents."""

from decimal import Decimal

import httpx

from sandbox.core.account import Account
from sandbox.core.records import NOW, USD_ID, Record, to_time
from tests.sandbox.calls import BALANCES, answer, customer_id, ids, post, post_all


def test_invoice_filters(account: Account, http: httpx.Client):
    def found(name: str, **query: str) -> list[Record]:
        path = f"/v1/customers/{customer_id(account, name)}/invoices"
        return answer(http.get(path, params=query))["data"]

    march = {"starting_on": "2024-03-01T00:00:00Z", "ending_before": "2024-04-01T00:00:00Z"}
    assert {item["status"] for item in found("Halcyon Labs", **march)} == {"VOID", "FINALIZED"}
    assert [item["status"] for item in found("Halcyon Labs", status="VOID")] == ["VOID"]
    assert len(found("Halcyon Labs", status="DRAFT")) == 1
    assert len(found("Lumen Analytics", type="SCHEDULED")) == 2
    assert not found("Lumen Analytics", type="SCHEDULED", **march)
    newest = found("A1 Company", sort="date_desc")
    assert [item["status"] for item in newest] == ["DRAFT", "FINALIZED", "FINALIZED"]
    units = found("Dual Horizon", credit_type_id=USD_ID)
    assert {item["credit_type"]["id"] for item in units} == {USD_ID}
    contract = found("Ibex Mobility")[0]["contract_id"]
    assert len(found("Ibex Mobility", contract_id=contract)) == 4
    assert not found("A1 Company", contract_id=contract)
    grown = found("Ibex Mobility", skip_zero_qty_line_items="true")
    assert not grown[-1]["line_items"]


def test_customer_filters(account: Account, http: httpx.Client):
    wanted = [customer_id(account, name) for name in ("A1 Company", "Pixel Forge")]
    for params in ({"customer_ids": wanted}, {"customer_ids": ",".join(wanted)}):
        data = http.get("/v1/customers", params=params).json()["data"]
        assert ids(data) == wanted
    by_alias = http.get("/v1/customers", params={"ingest_alias": "two_alias_us"}).json()["data"]
    assert [item["name"] for item in by_alias] == ["Two Alias Corp"]


def test_balances_and_net_balance_agree(account: Account, http: httpx.Client):
    now = NOW.isoformat()
    show = {"include_contract_balances": True, "include_balance": True, "include_ledgers": True}
    compared = 0
    for key, balances in account.production.balances.items():
        ask = {"customer_id": key, "covering_date": now, **show}
        listed = post_all(http, f"{BALANCES}/list", **ask)
        for unit_id in {item["access_schedule"]["credit_type"]["id"] for item in balances}:
            own = [
                item for item in listed if item["access_schedule"]["credit_type"]["id"] == unit_id
            ]
            ask = {"customer_id": key, "credit_type_id": unit_id}
            net = post(http, f"{BALANCES}/getNetBalance", **ask)
            assert net == {
                "balance": sum(item["balance"] for item in own),
                "credit_type_id": unit_id,
            }
            mode = {"invoice_inclusion_mode": "FINALIZED"}
            final = post(http, f"{BALANCES}/getNetBalance", **ask, **mode)
            assert final["balance"] == sum(max(posted(item), 0) for item in own)
            assert final["balance"] >= net["balance"]
            compared += final["balance"] > net["balance"]
        bare = post(http, f"{BALANCES}/list", customer_id=key)
        assert not any({"balance", "ledger", "contract"} & set(item) for item in bare)
    assert compared > 2


def posted(balance: Record) -> Decimal:
    """Return the ledger's sum without deductions of open invoices."""
    return sum(item["amount"] for item in balance["ledger"] if to_time(item["timestamp"]) <= NOW)


def test_net_balance_filters(account: Account, http: httpx.Client):
    def net(name: str, *filters: Record, **more: str) -> Decimal:
        ask = {"customer_id": customer_id(account, name), **more}
        ask |= {"filters": list(filters)} if filters else {}
        return post(http, f"{BALANCES}/getNetBalance", **ask)["balance"]

    prepaid, credit = {"balance_types": ["PREPAID_COMMIT"]}, {"balance_types": ["CREDIT"]}
    assert net("Quarry Data", credit) == 0
    assert net("Quarry Data", prepaid) == net("Quarry Data") > 0
    assert net("Quarry Data", credit, prepaid) == net("Quarry Data"), "filters are OR-ed"
    (commit,) = account.production.balances[customer_id(account, "Quarry Data")]
    assert net("Quarry Data", {"ids": [commit["id"]]}) == net("Quarry Data")
    assert net("Quarry Data", {"ids": [USD_ID]}) == 0
    assert net("Quarry Data", {"custom_fields": {"no": "such"}}) == 0
    assert net("Quarry Data", access_type="QUANTITY") == 0
    negative = [
        (customer["name"], item)
        for customer in account.production.customers
        for item in account.production.balances.get(customer["id"], [])
        if posted(item) < 0 and item["balance"] == 0
    ]
    assert negative, "a balance that a manual entry has overdrawn"
    for name, item in negative:
        unit_id = item["access_schedule"]["credit_type"]["id"]
        for mode in ("FINALIZED", "FINALIZED_AND_DRAFT"):
            only = {"ids": [item["id"]]}
            assert net(name, only, credit_type_id=unit_id, invoice_inclusion_mode=mode) == 0


def test_grant_filters_and_ledger_windows(account: Account, http: httpx.Client):
    now = NOW.isoformat()
    current = {"effective_before": now, "not_expiring_before": now}
    names = [
        item["name"] for item in http.post("/v1/credits/listGrants", json=current).json()["data"]
    ]
    assert "Spring promotion" in names
    assert not {"Beta credits", "Summer promotion"} & set(names)
    kestrel = {"customer_ids": [customer_id(account, "Kestrel Media")]}
    assert len(http.post("/v1/credits/listGrants", json=kestrel).json()["data"]) == 4
    window = kestrel | {"starting_on": "2024-02-01T00:00:00Z", "ending_before": now}
    (row,) = answer(http.post("/v1/credits/listEntries", json=window))["data"]
    (ledger,) = row["ledgers"]
    moved = sum(entry["amount"] for entry in ledger["entries"])
    start, end = ledger["starting_balance"], ledger["ending_balance"]
    assert start["excluding_pending"] == 15000
    assert start["excluding_pending"] + moved == end["excluding_pending"] == 20000
    assert not ledger["pending_entries"]


def test_contract_filters(account: Account, http: httpx.Client):
    ibex = {"customer_id": customer_id(account, "Ibex Mobility")}

    def count(**more: str) -> int:
        return len(http.post("/v2/contracts/list", json=ibex | more).json()["data"])

    assert count() == 1
    assert count(covering_date="2024-01-15T00:00:00Z") == 1
    assert count(covering_date="2024-01-14T23:59:59Z") == 0
    assert count(starting_at="2024-01-16T00:00:00Z") == 0
    assert http.post("/v2/contracts/list", json=ibex).json()["cursor"] is None
