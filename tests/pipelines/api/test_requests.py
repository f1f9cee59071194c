"""Test the requests of the pipeline: paths, parameters, bodies, and the secret token."""

import gzip
import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from pipelines.common.errors import InputError
from sandbox.api.server import serving
from tests.pipelines.api.answers import (
    BALANCES,
    CONTRACTS,
    GRANTS,
    INVOICES,
    ONE_CUSTOMER,
    SEAT_BALANCES,
    SEATS,
    Loaded,
)
from tests.pipelines.conftest import (
    TOKEN,
    Lists,
    Wire,
    Workspace,
)


def sent(request: Request) -> tuple[str, dict[str, str], Any]:
    """Return method, query and JSON body of a request. The body is None if there is none."""
    body = json.loads(request._body) if request._body else None
    return request.method, dict(request.query_params), body


ALL_CONTRACTS = {"customer_id": "c1", "include_archived": True}
ALL_BALANCES = {
    "customer_id": "c1",
    "limit": 25,
    "include_contract_balances": True,
    "include_archived": True,
    "include_balance": True,
    "include_ledgers": True,
}
APRIL = {"starting_on": "2024-04-01T00:00:00Z", "ending_before": "2024-04-15T00:00:00Z"}
OF_FIRST = {"customer_id": "c1", "contract_id": "first"}
ALL_SEAT_BALANCES = {
    "customer_id": "c1",
    "limit": 100,
    "covering_date": "2024-04-15T00:00:00Z",
    "include_credits_and_commits": True,
    "include_ledgers": True,
}
EXPECTED = {
    "/v1/customers": [
        ("GET", {"limit": "100"}, None),
        ("GET", {"limit": "100", "only_archived": "true"}, None),
    ],
    "/v1/billable-metrics": [("GET", {"limit": "100", "include_archived": "true"}, None)],
    "/v1/contract-pricing/products/list": [("POST", {"limit": "100"}, {"archive_filter": "ALL"})],
    "/v1/contract-pricing/rate-cards/list": [("POST", {"limit": "100"}, {})],
    INVOICES: [("GET", {"limit": "25", "sort": "date_desc"}, None)],
    "/v1/auditLogs": [("GET", {"limit": "100", "sort": "date_asc"}, None)],
    "/v1/customFields/listKeys": [("POST", {}, {})],
    "/v1/customer-alerts/list": [("POST", {}, {"customer_id": "c1"})],
    "/v1/usage": [
        ("POST", {}, {"customer_ids": ["c1"], "window_size": size, **APRIL})
        for size in ("DAY", "HOUR", "NONE")
    ],
    SEATS: [
        ("POST", {}, OF_FIRST | {"subscription_id": "s", "limit": 10}),
        ("POST", {}, OF_FIRST | {"subscription_id": "s", "limit": 10, "cursor": "1"}),
    ],
    SEAT_BALANCES: [
        ("POST", {}, ALL_SEAT_BALANCES | {"contract_id": contract_id, **cursor})
        for contract_id in ("first", "second")
        for cursor in ({}, {"cursor": "1"})
    ],
    "/v1/plans": [
        ("GET", {"limit": "100"}, None),
        ("GET", {"limit": "100", "next_page": "1"}, None),
    ],
    GRANTS: [
        ("POST", {"limit": "100"}, {}),
        ("POST", {"limit": "100", "next_page": "1"}, {}),
    ],
    CONTRACTS: [
        ("POST", {}, ALL_CONTRACTS),
        ("POST", {}, ALL_CONTRACTS | {"cursor": "1"}),
    ],
    BALANCES: [
        ("POST", {}, ALL_BALANCES),
        ("POST", {}, ALL_BALANCES | {"next_page": "1"}),
    ],
}


@pytest.mark.parametrize("path", EXPECTED)
def test_a_list_is_asked_for_in_its_dialect(details: Loaded, path: str):
    assert [sent(item) for item in details.requests if item.url.path == path] == EXPECTED[path]


def test_every_request_carries_the_token_and_none_an_idempotency_key(details: Loaded):
    assert {item.headers["authorization"] for item in details.requests} == {f"Bearer {TOKEN}"}
    assert not [item for item in details.requests if "idempotency-key" in item.headers]


def test_every_post_sends_json(details: Loaded):
    posts = [item for item in details.requests if item.method == "POST"]
    assert {item.headers["content-type"] for item in posts} == {"application/json"}


# The token


def test_the_token_is_in_no_file_and_no_table(details: Loaded, workspace: Workspace):
    """After a run that succeeded, and after one that was refused a list and then all."""
    answers = {"/v1/plans": 403, INVOICES: 401}

    def refused(request: Request) -> Response | None:
        status = answers.get(request.url.path)
        return Response(status_code=status) if status else None

    with serving(Wire(Lists(ONE_CUSTOMER), refused)) as url, pytest.raises(InputError) as caught:
        workspace.load_api(url)
    assert TOKEN not in str(caught.value)
    reason = "select reason from raw_api.reads where read_id = 'plans/account'"
    assert workspace.column(reason) == ["GET /v1/plans answered 403: Forbidden."]
    for used in (details.workspace, workspace):
        files = [path for path in used.dlt_folder.rglob("*") if path.is_file()]
        texts = [path.read_bytes() for path in [used.database, *files]]
        texts += [gzip.decompress(text) for text in texts if text.startswith(b"\x1f\x8b")]
        assert any(b"metronome_api" in text for text in texts)
        assert not [text for text in texts if TOKEN.encode() in text]

        tables = used.column(
            "select string_agg(format('select to_json(t) from {}.{} as t', schema_name, "
            "table_name), ' union all ') from duckdb_tables()"
        )
        rows = used.column(*tables)
        assert "metronome_api" in "".join(rows)
        assert TOKEN not in "".join(rows)
