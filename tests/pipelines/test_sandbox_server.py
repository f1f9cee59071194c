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

from pipelines.sandbox.account import NOW, SANDBOX, USD_ID, Account, Record
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


@pytest.fixture(scope="module")
def sdk(url: str) -> Metronome:
    return Metronome(
        base_url=url, bearer_token=TOKEN, max_retries=0, _strict_response_validation=True
    )


def ids(items: object) -> list[str]:
    return [item["id"] if isinstance(item, dict) else item.id for item in items]


def customer_id(account: Account, name: str) -> str:
    return account.production.customer(name)["id"]


def answer(response: httpx.Response) -> Record:
    return simplejson.loads(response.content, use_decimal=True)


def test_account_lists_walk_with_limit_one(account: Account, sdk: Metronome):
    books = account.production
    catalog = books.catalog
    active = [item for item in books.customers if not item["archived_at"]]
    archived = [item for item in books.customers if item["archived_at"]]
    assert ids(sdk.v1.customers.list(limit=1)) == ids(active)
    assert ids(sdk.v1.customers.list(limit=1, only_archived=True)) == ids(archived)
    assert len(archived) == 2
    assert ids(sdk.v1.pricing_units.list(limit=1)) == ids(catalog.credit_types.values())
    metrics = list(catalog.metrics.values())
    assert ids(sdk.v1.billable_metrics.list(limit=1, include_archived=True)) == ids(metrics)
    assert len(list(sdk.v1.billable_metrics.list(limit=1))) == len(metrics) - 1
    products = catalog.contract_products.values()
    assert ids(sdk.v1.contracts.products.list(limit=1)) == ids(products)
    assert ids(sdk.v1.contracts.rate_cards.list(limit=1, body={})) == ids(catalog.rate_cards)
    assert ids(sdk.v1.packages.list(limit=1)) == ids(catalog.packages)
    assert ids(sdk.v1.plans.list(limit=1)) == ids(catalog.plans.values())
    for plan in catalog.plans.values():
        assert sdk.v1.plans.get_details(plan_id=plan["id"]).data.name == plan["name"]
        charges = [item for item in catalog.plan_charges if item["plan_id"] == plan["id"]]
        assert ids(sdk.v1.plans.list_charges(plan_id=plan["id"], limit=1)) == ids(charges)
    assert ids(sdk.v1.credit_grants.list(limit=1)) == ids(books.grants)
    ledgers = list(sdk.v1.credit_grants.list_entries())
    assert [row.customer_id for row in ledgers] == [row["customer_id"] for row in books.ledgers]


def test_customer_lists_walk_with_limit_one(account: Account, sdk: Metronome):
    books = account.production
    for customer in books.customers:
        key = customer["id"]
        assert sdk.v1.customers.retrieve(customer_id=key).data.name == customer["name"]
        invoices = list(sdk.v1.customers.invoices.list(customer_id=key, limit=1))
        expected = books.invoices_by_customer.get(key, [])
        assert sorted(ids(invoices)) == sorted(ids(expected))
        issued = [invoice.issued_at for invoice in invoices]
        assert issued == sorted(issued)
        for invoice in invoices:
            found = sdk.v1.customers.invoices.retrieve(customer_id=key, invoice_id=invoice.id)
            assert found.data == invoice
        plans = sdk.v1.customers.plans.list(customer_id=key, limit=1)
        assert ids(plans) == ids(books.customer_plans.get(key, []))
        contracts = sdk.v2.contracts.list(
            customer_id=key, limit=1, include_balance=True, include_ledgers=True
        )
        assert ids(contracts) == ids(books.contracts.get(key, []))
        balances = sdk.v1.contracts.list_balances(
            customer_id=key,
            limit=1,
            include_contract_balances=True,
            include_balance=True,
            include_ledgers=True,
        )
        assert ids(balances) == ids(books.balances.get(key, []))


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


def test_balances_and_net_balance_agree(account: Account, http: httpx.Client):
    now = NOW.isoformat()
    for key, balances in account.production.balances.items():
        body = {"customer_id": key, "covering_date": now, "include_contract_balances": True}
        body |= {"include_balance": True, "include_ledgers": True}
        path = "/v1/contracts/customerBalances"
        listed = answer(http.post(f"{path}/list", json=body))["data"]
        net = answer(http.post(f"{path}/getNetBalance", json={"customer_id": key}))["data"]
        assert net["balance"] == sum(item["balance"] for item in listed)
        request = {"customer_id": key, "invoice_inclusion_mode": "FINALIZED"}
        finalized = answer(http.post(f"{path}/getNetBalance", json=request))["data"]
        posted = [
            entry["amount"]
            for item in listed
            for entry in item["ledger"]
            if entry["timestamp"] <= now
        ]
        assert finalized["balance"] == sum(posted)
        bare = http.post(f"{path}/list", json={"customer_id": key}).json()["data"]
        assert ids(bare) == [item["id"] for item in balances if "contract" not in item]
        assert not any({"balance", "ledger"} & set(item) for item in bare)
    quarry = {"customer_id": customer_id(account, "Quarry Data")}
    only_credits = {**quarry, "filters": [{"balance_types": ["CREDIT"]}]}
    assert answer(http.post(f"{path}/getNetBalance", json=only_credits))["data"]["balance"] == 0
    prepaid = {**quarry, "filters": [{"balance_types": ["PREPAID_COMMIT"]}]}
    assert answer(http.post(f"{path}/getNetBalance", json=prepaid))["data"]["balance"] > 0


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
