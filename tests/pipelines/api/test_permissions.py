"""Lists and customers that the token may not read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat

import pytest
from starlette.requests import Request
from starlette.responses import Response

from pipelines.common.errors import InputError
from sandbox.api.server import create_app, serving
from sandbox.core.account import Account
from tests.pipelines.conftest import TOKEN, Lists, NewWorkspace, Wire, Workspace

INVOICES = "/v1/customers/{}/invoices"
BALANCES = "/v1/contracts/customerBalances/list"
CONTRACTS = "/v2/contracts/list"
TWO_CUSTOMERS = {
    "/v1/customers": [
        '[{"id": "c1", "created_at": "2024-04-01T00:00:00Z"},'
        ' {"id": "c2", "created_at": "2024-04-01T00:00:00Z"}]'
    ],
    "/v1/credit-types/list": ['[{"id": "unit"}]'],
    "/v1/plans": ['[{"id": "plan"}]'],
    "/v1/planDetails/plan/charges": ['[{"id": "charge", "name": "old"}]'],
    INVOICES.format("c1"): ['[{"id": "i1", "status": "DRAFT", "total": 1}]'],
    INVOICES.format("c2"): ['[{"id": "i2", "status": "FINALIZED", "total": 2}]'],
    BALANCES: ['[{"id": "b", "balance": 5}]'],
}


@pytest.fixture(scope="module")
def good(new_workspace: NewWorkspace) -> Workspace:
    """Return two customers. Faults never change this database: copy it."""
    workspace = new_workspace()
    with serving(Lists(TWO_CUSTOMERS)) as url:
        workspace.load_api(url)
    return workspace


@contextmanager
def refusing(status: int, refused: Callable[[Request], bool]) -> Iterator[tuple[str, Wire]]:
    """Yield an API that has changed since, and refuses some requests."""
    later = TWO_CUSTOMERS | {
        "/v1/credit-types/list": ['[{"id": "unit"}, {"id": "new unit"}]'],
        "/v1/planDetails/plan/charges": ['[{"id": "charge", "name": "new"}]'],
        INVOICES.format("c1"): ["[]"],
    }
    wire = Wire(
        Lists(later),
        lambda request: Response('{"message": "not you"}', status) if refused(request) else None,
    )
    with serving(wire) as url:
        yield url, wire


def customer_of(request: Request) -> str | None:
    body = request._body
    return next((name for name in ("c1", "c2") if f'"{name}"'.encode() in body), None)


def test_what_is_refused_is_left_out_and_the_rest_is_loaded(
    good: Workspace, new_workspace: NewWorkspace
):
    workspace = new_workspace(good)
    forbidden = (INVOICES.format("c1"), INVOICES.format("c2"), "/v1/plans")
    with refusing(403, lambda request: request.url.path in forbidden) as (url, wire):
        line = workspace.load_api(url)
    invoices = [item for item in wire.requests if item.url.path.endswith("/invoices")]
    assert 1 <= len(invoices) <= 2, "a resource that was refused is not asked for again"
    assert (
        ". Refused, so their figures are unknown: invoices (HTTP 403), plan_charges (HTTP 403), "
        "plan_customers (HTTP 403), plan_details (HTTP 403), plans (HTTP 403)"
    ) in line
    reads = workspace.query(
        "select resource, customer_id, http_status from raw_api.reads "
        "where status = 'unavailable' and resource in ('invoices', 'plans') order by all"
    )
    assert reads == [("invoices", "c1", 403), ("invoices", "c2", 403), ("plans", None, 403)]
    assert workspace.column("select id from raw_api.invoices order by id") == ["i1", "i2"]
    assert workspace.column("select name from raw_api.plan_charges") == ["old"]
    assert workspace.column("select id from raw_api.pricing_units order by id") == [
        "new unit",
        "unit",
    ]


def test_what_one_customer_does_not_have_is_left_out_for_that_one(
    good: Workspace, new_workspace: NewWorkspace
):
    workspace = new_workspace(good)

    def refused(request: Request) -> bool:
        return request.url.path == BALANCES and customer_of(request) == "c2"

    with refusing(404, refused) as (url, _):
        line = workspace.load_api(url)
    assert "Refused, so their figures are unknown: balances (HTTP 404), net_balances" in line
    reads = workspace.query(
        "select customer_id, status, http_status, reason from raw_api.reads "
        "where resource = 'balances' order by all"
    )
    assert reads == [
        ("c1", "read", None, None),
        ("c2", "unavailable", 404, f"POST {BALANCES} answered 404: not you."),
    ]
    assert workspace.column("select customer_id from raw_api.balances order by all") == ["c1", "c2"]
    assert workspace.column("select id from raw_api.invoices") == ["i2"]


@pytest.mark.fault("network", "403 after an earlier answer", "the run stops with one line")
def test_a_refusal_after_an_answer_stops_the_run(good: Workspace, new_workspace: NewWorkspace):
    workspace = new_workspace(good)
    answers = chain([False], repeat(True))

    def refused(request: Request) -> bool:
        return request.url.path == BALANCES and next(answers)

    with (
        refusing(403, refused) as (url, _),
        pytest.raises(InputError, match=r"answered 403: not you\. It answered earlier in this run"),
    ):
        workspace.load_api(url, SOURCES__METRONOME_API__REQUESTS_IN_FLIGHT="1")


def test_customers_that_may_not_be_read_stop_the_run(good: Workspace, new_workspace: NewWorkspace):
    workspace = new_workspace(good)
    with (
        refusing(403, lambda request: request.url.path == "/v1/customers") as (url, wire),
        pytest.raises(InputError, match="Without the list of customers nothing can be read"),
    ):
        workspace.load_api(url)
    assert workspace.contents("raw_api") == good.contents("raw_api")
    assert not [item for item in wire.requests if "/customers/" in item.url.path]


@pytest.mark.fault(
    "network", "a token that expires half-way", "every thread stops; one line without the token"
)
def test_a_token_that_expires_stops_every_thread(workspace: Workspace, account: Account):
    asked: list[Request] = []
    refused: list[Request] = []

    def expired(request: Request) -> Response | None:
        asked.append(request)
        if len(asked) < 100:
            return None
        refused.append(request)
        return Response('{"message": "expired"}', 401)

    wire = Wire(create_app(account, TOKEN), expired)
    with serving(wire) as url, pytest.raises(InputError) as caught:
        workspace.load_api(url, SOURCES__METRONOME_API__REQUESTS_IN_FLIGHT="3")
    message = str(caught.value)
    assert "answered 401: expired. The token is wrong or has expired: set METR" in message
    assert "\n" not in message
    assert TOKEN not in message
    assert len(refused) <= 3, "nothing is asked for but by the threads that were asking already"
