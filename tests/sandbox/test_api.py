"""The API over real HTTP: who is let in, what is refused, how lists are cut and filtered."""

import json
import re
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from metronome import Metronome

from sandbox.api.endpoints import ENDPOINTS
from sandbox.api.server import running
from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from sandbox.core.records import NOW, SANDBOX, USD_ID, Record
from tests.sandbox.calls import BALANCES, HEADER, answer, customer_id, ids

# Ids by name, see `named`.
CONTRACT = {"customer_id": "CUSTOMER", "contract_id": "CONTRACT"}
SUBSCRIPTION = {**CONTRACT, "subscription_id": "SUBSCRIPTION"}
AT_AND_FROM = {"covering_date": "2024-04-01T00:00:00Z", "starting_at": "2024-04-01T00:00:00Z"}


def test_the_last_page_has_no_cursor(account: Account, http: httpx.Client):
    plans = account.production.catalog.plans
    pages, cursor = 0, None
    while pages == 0 or cursor:
        query = {"limit": 1} | ({"next_page": cursor} if cursor else {})
        page = http.get("/v1/plans", params=query).json()
        assert len(page["data"]) == 1
        pages, cursor = pages + 1, page["next_page"]
    assert (pages, cursor) == (len(plans), None)


def test_a_page_smaller_than_the_limit_may_have_a_cursor(account: Account, http: httpx.Client):
    metrics = account.production.catalog.metrics
    first = http.get("/v1/billable-metrics?limit=50&include_archived=true").json()
    assert len(first["data"]) == 10
    query = {"include_archived": "true", "next_page": first["next_page"]}
    second = http.get("/v1/billable-metrics", params=query).json()
    assert ids(first["data"] + second["data"]) == [metric["id"] for metric in metrics.values()]
    assert second["next_page"] is None


def test_archived_customers_still_answer(account: Account, http: httpx.Client):
    key = customer_id(account, "Atlas Freight & Sons")
    assert key in ids(http.get("/v1/customers?only_archived=true").json()["data"])
    assert key not in ids(http.get("/v1/customers").json()["data"])
    assert http.get(f"/v1/customers/{key}").json()["data"]["archived_at"]
    assert len(http.get(f"/v1/customers/{key}/invoices").json()["data"]) == 2
    assert http.get(f"/v1/customers/{key}/plans").json()["data"][0]["ending_before"]


def test_numbers_arrive_exactly(account: Account, http: httpx.Client):
    key = customer_id(account, "A1 Company")
    served = answer(http.get(f"/v1/customers/{key}/invoices"))["data"]
    expected = account.production.invoices_by_customer[key]
    assert [item["total"] for item in served] == [item["total"] for item in expected]
    assert any(isinstance(item["total"], Decimal) for item in served)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}])
def test_401_without_the_token(url: str, header: dict[str, str]):
    with httpx.Client(base_url=url, headers=header) as client:
        for endpoint in ENDPOINTS:
            path = endpoint.path.replace("{", "").replace("}", "")
            response = client.request(endpoint.method, path)
            assert response.status_code == 401
            assert response.json()["message"]


A_DAY = {"starting_on": "2024-03-01T00:00:00Z", "ending_before": "2024-03-02T00:00:00Z"}
USAGE = {"window_size": "DAY", **A_DAY}

REFUSED: list[tuple[str, str, object]] = [
    # Limits: out of range, not a whole number, or not accepted.
    ("GET", "/v1/customers?limit=101", None),
    ("GET", "/v1/customers?limit=0", None),
    ("GET", "/v1/customers?limit=x", None),
    ("POST", "/v1/credits/listEntries?limit=1", {}),
    ("POST", "/v1/customFields/listKeys?limit=1", {}),
    ("POST", "/v1/customer-alerts/list?limit=1", {"customer_id": "CUSTOMER"}),
    ("POST", "/v1/usage?limit=1", USAGE),
    ("POST", "/v1/usage", {**USAGE, "limit": 1}),
    ("POST", f"{BALANCES}/list", {"customer_id": "CUSTOMER", "limit": 26}),
    ("POST", f"{BALANCES}/list", {"customer_id": "CUSTOMER", "limit": "5"}),
    ("POST", f"{BALANCES}/list", {"customer_id": "CUSTOMER", "limit": True}),
    ("POST", f"{BALANCES}/list?limit=5", {"customer_id": "CUSTOMER"}),
    ("POST", "/v2/contracts/list", {"customer_id": "CUSTOMER", "limit": 21}),
    ("POST", "/v1/contracts/getSubscriptionSeatsHistory", {**SUBSCRIPTION, "limit": 11}),
    ("POST", "/v1/contracts/seatBalances/list", {**CONTRACT, "limit": 101}),
    ("POST", "/v1/customers/CUSTOMER/invoices/spend-breakdowns", {**A_DAY, "limit": 101}),
    # Arguments that there are not.
    ("GET", "/v1/customers?colour=red", None),
    ("GET", "/v1/services?limit=1", None),
    ("POST", "/v1/contract-pricing/rate-cards/list", {"limit": 5}),
    ("POST", "/v1/packages/list", {"limit": 5}),
    ("POST", "/v1/usage", {**USAGE, "group_by": {"key": "region"}}),
    ("POST", "/v1/usage", {**USAGE, "billable_metrics": [{"id": USD_ID, "group": "region"}]}),
    # Arguments of a wrong type.
    ("GET", "/v1/customers?only_archived=maybe", None),
    ("GET", "/v1/customers?customer_ids=somebody", None),
    ("GET", "/v1/customers/somebody", None),
    ("GET", "/v1/customers/CUSTOMER/invoices?sort=newest", None),
    ("GET", "/v1/customers/CUSTOMER/invoices?type=PLAN_ARREARS", None),
    ("GET", "/v1/customers/CUSTOMER/invoices?starting_on=yesterday", None),
    ("POST", "/v1/packages/list", {"archive_filter": "SOME"}),
    ("POST", "/v1/packages/list", []),
    ("POST", f"{BALANCES}/list", {"customer_id": "CUSTOMER", "include_balance": "true"}),
    ("POST", f"{BALANCES}/getNetBalance", {"customer_id": "CUSTOMER", "filters": [1]}),
    ("POST", "/v1/credits/listGrants", {"customer_ids": "CUSTOMER"}),
    ("POST", "/v1/usage", {**USAGE, "window_size": "WEEK"}),
    ("POST", "/v1/usage", {**USAGE, "customer_ids": [USD_ID] * 101}),
    # Arguments that are missing.
    ("POST", f"{BALANCES}/list", {}),
    ("POST", "/v1/usage", {}),
    ("GET", "/v1/customers/CUSTOMER/invoices/breakdowns", None),
    ("GET", "/v1/customers/CUSTOMER/costs?starting_on=2024-03-01T00:00:00Z", None),
    # Arguments that exclude each other.
    ("POST", "/v1/credits/listGrants", {"credit_grant_ids": [], "customer_ids": []}),
    ("POST", "/v2/contracts/list", {"customer_id": "CUSTOMER", **AT_AND_FROM}),
    ("POST", "/v1/packages/listContractsOnPackage", {"package_id": "PACKAGE", **AT_AND_FROM}),
    ("POST", "/v1/contracts/getSubscriptionSeatsHistory", {**SUBSCRIPTION, **AT_AND_FROM}),
    ("POST", "/v1/contracts/seatBalances/list", {**CONTRACT, **AT_AND_FROM}),
    (
        "POST",
        f"{BALANCES}/getNetBalance",
        {"customer_id": "CUSTOMER", "access_type": "QUANTITY", "credit_type_id": USD_ID},
    ),
    ("GET", "/v1/auditLogs?resource_id=1", None),
    # Dates.
    ("POST", "/v1/credits/listEntries", {"ending_before": "2024-05-01T00:00:00Z"}),
    ("POST", "/v1/usage", {**USAGE, "starting_on": "2024-02-29T12:00:00Z"}),
    ("POST", "/v1/usage", {**USAGE, "ending_before": "2024-03-02T00:00:00+01:00"}),
    ("POST", "/v1/usage", {**USAGE, "ending_before": A_DAY["starting_on"]}),
    (
        "POST",
        "/v1/usage",
        {"window_size": "HOUR", **A_DAY, "ending_before": "2024-03-01T06:00:00Z"},
    ),
    (
        "POST",
        "/v1/customers/CUSTOMER/invoices/spend-breakdowns",
        {**A_DAY, "ending_before": A_DAY["starting_on"]},
    ),
]


@pytest.mark.parametrize(("method", "path", "body"), REFUSED)
def test_400_for_what_the_api_refuses(
    account: Account, http: httpx.Client, method: str, path: str, body: object
):
    path, body = json.loads(named(account, json.dumps([path, body])))
    response = http.request(method, path, json=body)
    assert response.status_code == 400, response.text
    assert response.json()["message"]


def named(account: Account, text: str) -> str:
    """Return a text with the ids of Seat Pocket Travel's records in place of their names."""
    state = account.production
    customer = customer_id(account, "Seat Pocket Travel")
    (contract,) = state.contracts[customer]
    seats = [
        item["id"]
        for item in contract["subscriptions"]
        if item["quantity_management_mode"] == "SEAT_BASED"
    ]
    ids = {
        "CUSTOMER": customer,
        "CONTRACT": contract["id"],
        "PACKAGE": state.catalog.packages[0]["id"],
        "SUBSCRIPTION": seats[0],
    }
    return re.sub("|".join(ids), lambda match: ids[match[0]], text)


def test_refused_requests_are_otherwise_valid(account: Account, http: httpx.Client):
    """Requests that differ from the refused ones in one thing are answered."""
    for method, path, body in (
        ("GET", "/v1/customers?limit=100&only_archived=false", None),
        ("GET", "/v1/customers/CUSTOMER/invoices?sort=date_asc&type=usage&limit=1", None),
        ("POST", "/v1/usage", USAGE),
        ("POST", "/v1/packages/list?limit=5", {"archive_filter": "all"}),
        ("POST", f"{BALANCES}/list", {"customer_id": "CUSTOMER", "limit": 25}),
        ("POST", "/v2/contracts/list", {"customer_id": "CUSTOMER", "limit": 20, "cursor": None}),
        ("POST", "/v1/contracts/getSubscriptionSeatsHistory", {**SUBSCRIPTION, "limit": 10}),
        ("POST", "/v1/contracts/seatBalances/list", {**CONTRACT, "limit": 100}),
        ("POST", "/v1/customers/CUSTOMER/invoices/spend-breakdowns", {**A_DAY, "limit": 100}),
        ("GET", "/v1/auditLogs?resource_type=customer&resource_id=CUSTOMER", None),
    ):
        path, body = json.loads(named(account, json.dumps([path, body])))
        response = http.request(method, path, json=body)
        assert response.status_code == 200, (path, response.text)
    assert http.post("/v1/packages/list").status_code == 400, "a list without filters wants {}"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v2/contracts/list", {"customer_id": USD_ID}, "CustomerNotFound"),
        ("/v2/contracts/list", {"customer_id": "CUSTOMER", **AT_AND_FROM}, "InvalidArgument"),
        ("/v2/contracts/getEditHistory", {**CONTRACT, "customer_id": USD_ID}, "CustomerNotFound"),
        ("/v2/contracts/getEditHistory", {**CONTRACT, "contract_id": USD_ID}, "ContractNotFound"),
        (
            "/v1/contracts/getSubscriptionQuantityHistory",
            {**CONTRACT, "subscription_id": USD_ID},
            "SubscriptionNotFound",
        ),
        (
            "/v1/contracts/getSubscriptionSeatsHistory",
            {**CONTRACT, "subscription_id": USD_ID},
            "SubscriptionNotFound",
        ),
        ("/v1/packages/listContractsOnPackage", {"package_id": USD_ID}, "PackageNotFound"),
    ],
)
def test_codes_of_contract_reads(
    account: Account, http: httpx.Client, path: str, body: object, code: str
):
    response = http.post(path, json=json.loads(named(account, json.dumps(body))))
    assert response.status_code == 400
    assert response.json()["code"] == code
    assert response.json()["message"]


def test_a_cursor_is_good_for_its_own_list_and_arguments_only(account: Account, http: httpx.Client):
    cursor = http.get("/v1/customers?limit=1").json()["next_page"]
    for path in (
        "/v1/customers?next_page=nonsense",
        f"/v1/plans?next_page={cursor}",
        f"/v1/customers?only_archived=true&next_page={cursor}",
    ):
        assert http.get(path).status_code == 400, path
    assert http.get(f"/v1/customers?limit=3&next_page={cursor}").status_code == 200
    body = {"customer_id": customer_id(account, "Seat Pocket Travel")}
    assert http.post("/v2/contracts/list", json={**body, "cursor": cursor}).status_code == 400
    later = simulate(as_of=NOW + timedelta(days=1))
    with running(later) as url, httpx.Client(base_url=url, headers=HEADER) as client:
        stale = client.get(f"/v1/customers?next_page={cursor}")
    assert stale.status_code == 400


def test_token_with_less_rights(account: Account):
    forbid = [f"{BALANCES}/list", "/v1/customers/{customer_id}/invoices", "/v1/usage*"]
    key = customer_id(account, "A1 Company")
    with (
        running(account, forbid=forbid) as url,
        httpx.Client(base_url=url, headers=HEADER) as client,
    ):
        answers = [
            client.post(f"{BALANCES}/list", json={"customer_id": key}),
            client.get(f"/v1/customers/{key}/invoices"),
            client.post("/v1/usage/groups", json={}),
            client.post(f"{BALANCES}/getNetBalance", json={"customer_id": key}),
            client.get("/v1/customers"),
        ]
        assert httpx.get(f"{url}/v1/customers/{key}/invoices").status_code == 401
    assert [answer.status_code for answer in answers] == [403, 403, 403, 200, 200]
    assert answers[0].json()["message"]


def test_contracts_before_october_2026(account: Account):
    with (
        running(account, contracts_cursor=False) as url,
        httpx.Client(base_url=url, headers=HEADER) as client,
    ):
        for key, contracts in account.production.contracts.items():
            body = {"customer_id": key, "include_archived": True}
            page = client.post("/v2/contracts/list", json=body).json()
            assert page.keys() == {"data"}
            assert ids(page["data"]) == ids(contracts)
        assert client.post("/v2/contracts/list", json=body | {"limit": 5}).status_code == 400
        assert client.post("/v2/contracts/list", json=body | {"cursor": "x"}).status_code == 400


def test_each_dialect_names_its_cursor(account: Account, http: httpx.Client):
    def keys(path: str, body: object = None) -> set[str]:
        path, body = json.loads(named(account, json.dumps([path, body])))
        return set(http.post(path, json=body).json())

    assert set(http.get("/v1/plans").json()) == {"data", "next_page"}
    assert keys("/v1/usage", USAGE) == {"data", "next_page"}
    assert keys(f"{BALANCES}/list", {"customer_id": "CUSTOMER"}) == {"data", "next_page"}
    assert keys("/v2/contracts/list", {"customer_id": "CUSTOMER"}) == {"data", "cursor"}
    seats = "/v1/contracts/getSubscriptionSeatsHistory"
    assert keys(seats, SUBSCRIPTION) == {"data", "next_page"}
    assert keys("/v1/contracts/seatBalances/list", CONTRACT) == {"data", "pagination"}
    assert keys("/v2/contracts/getEditHistory", CONTRACT) == {"data"}
    assert set(http.get("/v1/services").json()) == {"services"}


def test_audit_log_cursor_is_kept_and_continued_later(account: Account, http: httpx.Client):
    def read(client: httpx.Client, query: str) -> Record:
        response = client.get(f"/v1/auditLogs?{query}")
        assert response.status_code == 200, response.text
        return response.json()

    page = read(http, "limit=100")
    seen = [entry["id"] for entry in page["data"]]
    while page["data"]:
        page = read(http, f"limit=100&next_page={page['next_page']}")
        seen += [entry["id"] for entry in page["data"]]
    assert page["next_page"], "an empty page has a cursor, too"
    assert len(seen) == len(set(seen)) > 40
    again = read(http, f"next_page={page['next_page']}")
    assert again == page
    later = simulate(as_of=NOW + timedelta(days=45))
    with running(later) as url, httpx.Client(base_url=url, headers=HEADER) as client:
        news = read(client, f"next_page={page['next_page']}")["data"]
        everything = read(client, "limit=100&sort=date_desc")["data"]
    assert news
    assert not set(seen) & set(ids(news))
    assert ids(everything)[: len(news)] == ids(news)[::-1]

    march = "starting_on=2024-03-01T00:00:00Z&ending_before=2024-04-01T00:00:00Z"
    within = read(http, f"{march}&limit=1")
    found = list(within["data"])
    while within["data"]:
        within = read(http, f"limit=1&next_page={within['next_page']}")
        found += within["data"]
    assert found
    assert all("2024-03" < entry["timestamp"] < "2024-04" for entry in found), "dates still hold"
    refused = http.get(f"/v1/auditLogs?{march}&next_page={page['next_page']}")
    assert refused.status_code == 400
    assert http.get("/v1/auditLogs?next_page=nonsense").status_code == 400
    empty = read(http, "starting_on=2030-01-01T00:00:00Z")
    assert (empty["data"], bool(empty["next_page"])) == ([], True)
    atlas = f"resource_type=customer&resource_id={customer_id(account, 'Atlas Freight & Sons')}"
    assert [entry["action"] for entry in read(http, atlas)["data"]] == ["create", "archive"]


def test_404_for_unknown_ids(account: Account, http: httpx.Client):
    key = customer_id(account, "A1 Company")
    for path in (
        f"/v1/customers/{USD_ID}",
        f"/v1/customers/{USD_ID}/invoices",
        f"/v1/customers/{USD_ID}/plans",
        f"/v1/customers/{key}/invoices/{USD_ID}",
        f"/v1/planDetails/{USD_ID}",
        f"/v1/planDetails/{USD_ID}/charges",
        f"/v1/planDetails/{USD_ID}/customers",
        f"/v1/customers/{USD_ID}/billable-metrics",
        f"/v1/customers/{USD_ID}/costs?starting_on=2024-03-01&ending_before=2024-04-01",
        f"/v1/customers/{USD_ID}/invoices/breakdowns?starting_on=2024-03-01&ending_before=2024-04-01",
        f"/v1/customers/{key}/plans/{USD_ID}/priceAdjustments",
        "/v1/nothing",
    ):
        response = http.get(path)
        assert response.status_code == 404, path
        assert response.json()["message"]
    range_ = {"starting_on": "2024-03-01T00:00:00Z", "ending_before": "2024-04-01T00:00:00Z"}
    for path, body in (
        ("/v1/credits/listEntries", {"customer_ids": [USD_ID]}),
        (f"{BALANCES}/list", {"customer_id": USD_ID}),
        (f"{BALANCES}/getNetBalance", {"customer_id": USD_ID}),
        ("/v1/contracts/seatBalances/list", {"customer_id": key, "contract_id": USD_ID}),
        ("/v1/customer-alerts/list", {"customer_id": USD_ID}),
        ("/v1/contract-pricing/rate-cards/getRates", {"rate_card_id": USD_ID, "at": "2024-04-01"}),
        ("/v1/usage", {"window_size": "DAY", "customer_ids": [USD_ID], **range_}),
        (f"/v1/customers/{USD_ID}/invoices/spend-breakdowns", range_),
    ):
        assert http.post(path, json=body).status_code == 404, path


def test_sandbox_token_serves_the_other_environment(account: Account):
    with running(account, "other", SANDBOX) as url:
        client = Metronome(base_url=url, bearer_token="other")
        names = [customer.name for customer in client.v1.customers.list()]
    assert names == [item["name"] for item in account.states[SANDBOX].customers]
