"""The API over real HTTP, with the vendor's client where it can go."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest
import simplejson
from metronome import Metronome

from pipelines.sandbox.account import NOW, SANDBOX, USD_ID, Account, Record, to_time
from pipelines.sandbox.api import ENDPOINTS
from pipelines.sandbox.server import TOKEN, running
from pipelines.sandbox.simulation import simulate


@pytest.fixture(scope="module")
def url(account: Account) -> Iterator[str]:
    with running(account) as base:
        yield base


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


BALANCES = "/v1/contracts/customerBalances"


def ids(items: object) -> list[str]:
    return [item["id"] if isinstance(item, dict) else item.id for item in items]


def customer_id(account: Account, name: str) -> str:
    return account.production.customer(name)["id"]


def answer(response: httpx.Response) -> Record:
    return simplejson.loads(response.content, use_decimal=True)


def test_the_last_page_has_no_cursor(account: Account, http: httpx.Client):
    plans = account.production.catalog.plans
    pages, cursor = 0, None
    while pages == 0 or cursor:
        query = {"limit": 1} | ({"next_page": cursor} if cursor else {})
        page = http.get("/v1/plans", params=query).json()
        assert len(page["data"]) == 1
        pages, cursor = pages + 1, page["next_page"]
    assert (pages, cursor) == (len(plans), None)


def test_numbers_arrive_exactly(account: Account, http: httpx.Client):
    key = customer_id(account, "A1 Company")
    served = answer(http.get(f"/v1/customers/{key}/invoices"))["data"]
    expected = account.production.invoices_by_customer[key]
    assert [item["total"] for item in served] == [item["total"] for item in expected]
    assert any(isinstance(item["total"], Decimal) for item in served)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}])
def test_401_without_the_token(url: str, header: dict[str, str]):
    for endpoint in ENDPOINTS:
        path = endpoint.path.replace("{", "").replace("}", "")
        response = httpx.request(endpoint.method, f"{url}{path}", headers=header)
        assert response.status_code == 401
        assert response.json()["message"]


def test_400_for_what_the_api_refuses(account: Account, http: httpx.Client):
    key = customer_id(account, "A1 Company")
    now = NOW.isoformat()
    invoices = f"/v1/customers/{key}/invoices"
    cursor = http.get("/v1/customers?limit=1").json()["next_page"]
    refused = [
        ("GET", "/v1/customers?limit=101", None),
        ("GET", "/v1/customers?limit=0", None),
        ("GET", "/v1/customers?limit=x", None),
        ("GET", "/v1/customers?colour=red", None),
        ("GET", "/v1/customers?only_archived=maybe", None),
        ("GET", "/v1/customers?next_page=nonsense", None),
        ("GET", f"/v1/plans?next_page={cursor}", None),
        ("GET", f"/v1/customers?only_archived=true&next_page={cursor}", None),
        ("GET", f"{invoices}?sort=newest", None),
        ("GET", f"{invoices}?starting_on=yesterday", None),
        ("POST", "/v1/contract-pricing/rate-cards/list", {"limit": 5}),
        ("POST", "/v1/packages/list", {"limit": 5}),
        ("POST", "/v1/packages/list", {"archive_filter": "SOME"}),
        ("POST", "/v1/packages/list", []),
        ("POST", "/v1/credits/listEntries?limit=1", {}),
        ("POST", "/v1/credits/listEntries", {"ending_before": "2024-05-01T00:00:00Z"}),
        ("POST", "/v1/credits/listGrants", {"credit_grant_ids": [], "customer_ids": []}),
        ("POST", "/v1/contracts/customerBalances/list", {}),
        ("POST", "/v1/contracts/customerBalances/list", {"customer_id": key, "limit": 26}),
        ("POST", "/v2/contracts/list", {"customer_id": key, "limit": 21}),
        (
            "POST",
            "/v2/contracts/list",
            {"customer_id": key, "covering_date": now, "starting_at": now},
        ),
        ("POST", "/v2/contracts/list", {"customer_id": USD_ID}),
    ]
    for method, path, body in refused:
        response = http.request(method, path, json=body)
        assert response.status_code == 400, (method, path, body, response.text)
        assert response.json()["message"]
    assert response.json()["code"] == "CustomerNotFound"
    assert http.post("/v1/packages/list").status_code == 400, "a list without filters wants {}"


def test_404_for_unknown_ids(account: Account, http: httpx.Client):
    key = customer_id(account, "A1 Company")
    for path in (
        f"/v1/customers/{USD_ID}",
        f"/v1/customers/{USD_ID}/invoices",
        f"/v1/customers/{USD_ID}/plans",
        f"/v1/customers/{key}/invoices/{USD_ID}",
        f"/v1/planDetails/{USD_ID}",
        f"/v1/planDetails/{USD_ID}/charges",
        "/v1/nothing",
    ):
        response = http.get(path)
        assert response.status_code == 404, path
        assert response.json()["message"]
    body = {"customer_ids": [USD_ID]}
    assert http.post("/v1/credits/listEntries", json=body).status_code == 404


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


def post(http: httpx.Client, path: str, **body: object) -> Record:
    """The `data` of a POST that must succeed."""
    response = http.post(path, json=body)
    assert response.status_code == 200, response.text
    return answer(response)["data"]


def post_all(http: httpx.Client, path: str, **body: object) -> list[Record]:
    """The records of all pages of a POST that takes `next_page` in its body."""
    page = answer(http.post(path, json=body))
    found = page["data"]
    while page["next_page"]:
        page = answer(http.post(path, json={**body, "next_page": page["next_page"]}))
        found += page["data"]
    return found


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
    """The ledger's sum without deductions of open invoices."""
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


def test_sandbox_token_serves_the_other_environment(account: Account):
    with running(account, "other", SANDBOX) as url:
        client = Metronome(base_url=url, bearer_token="other")
        names = [customer.name for customer in client.v1.customers.list()]
    assert names == [item["name"] for item in account.books[SANDBOX].customers]


def test_scaled_account_is_served_block_by_block():
    account = simulate(scale=2)
    with running(account) as url:
        client = Metronome(base_url=url, bearer_token=TOKEN)
        found = {item.name: item.id for item in client.v1.customers.list(limit=100)}
        active = [item for item in account.production.customers if not item["archived_at"]]
        assert len(found) == 2 * len(active)
        copy = list(client.v1.customers.invoices.list(customer_id=found["A1 Company (1)"]))
    expected = account.production.invoices_by_customer[customer_id(account, "A1 Company")]
    assert [item.total for item in copy] == [float(item["total"]) for item in expected]
    assert not set(ids(copy)) & set(ids(expected))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines.sandbox", *arguments], capture_output=True, text=True
    )


PROBE = """
import os, sys, urllib.request
request = urllib.request.Request(os.environ["METRONOME_BASE_URL"] + "/v1/plans")
request.add_header("Authorization", "Bearer " + os.environ["METRONOME_BEARER_TOKEN"])
sys.exit(urllib.request.urlopen(request).status - 200 + int(sys.argv[1]))
"""


@pytest.mark.parametrize("code", [0, 7])
def test_exec_serves_its_command_and_passes_the_exit_code(code: int):
    result = run("exec", "--", sys.executable, "-c", PROBE, str(code))
    assert result.returncode == code, result.stderr
    assert (result.stdout, result.stderr) == ("", "")


def test_exec_reports_a_bad_command():
    assert run("exec", "--", "/no/such/command").returncode == 127
    assert run("exec").returncode == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_exec_stops_its_command_when_stopped(number: signal.Signals):
    script = "import os; print(os.getpid(), flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.sandbox", "exec", "--", sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(process.stdout.readline())
    process.send_signal(number)
    assert process.wait(timeout=20) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    process.stdin.close()
    process.stdout.close()


def test_serve_prints_one_line_and_stops():
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.sandbox", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url, _, token = process.stdout.readline().split()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{url}/v1/plans", headers=headers).status_code == 200
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "")
