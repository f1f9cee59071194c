"""A run that meets a fault changes no table, and the next run loads everything."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from pipelines.common.errors import InputError
from sandbox.api.server import serving
from tests.pipelines.conftest import Lists, NewWorkspace, Wire, Workspace

SESSION = "pipelines.metronome_api.transport"

fault = pytest.mark.fault


INVOICES = "/v1/customers/{}/invoices"
BOTH = {
    "/v1/customers": [
        '[{"id": "c1", "created_at": "2024-04-01T00:00:00Z"},'
        ' {"id": "c2", "created_at": "2024-04-01T00:00:00Z"}]'
    ],
    INVOICES.format("c1"): ['[{"id": "i1", "status": "DRAFT", "total": 1}]'],
    INVOICES.format("c2"): ['[{"id": "i2", "status": "DRAFT", "total": 2}]'],
}
LATER = BOTH | {INVOICES.format("c2"): ['[{"id": "i3", "status": "FINALIZED", "total": 3}]']}
KEPT = "the run stops; earlier rows stay; the next run resumes"


@pytest.fixture(scope="module")
def good(new_workspace: NewWorkspace) -> Workspace:
    """Return two customers. Faults never change this database: copy it."""
    workspace = new_workspace()
    with serving(Lists(BOTH)) as url:
        workspace.load_api(url, "invoices")
    return workspace


@pytest.fixture(scope="module")
def undisturbed(good: Workspace, new_workspace: NewWorkspace) -> Workspace:
    """Return the same after a second run that met no fault. Do not change it."""
    workspace = new_workspace(good)
    with serving(Lists(LATER)) as url:
        workspace.load_api(url, "invoices")
    return workspace


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        pytest.param(status, body, message, id=what, marks=fault("network", what, KEPT))
        for what, status, body, message in [
            (
                "rows of another customer",
                200,
                '{"data": [{"id": "i3", "customer_id": "c1"}]}',
                "answered with a row of customer c1 when c2 was requested",
            ),
            ("HTML for a customer's list", 200, "<html>", "it is not JSON"),
            ("a token that expires", 401, '{"message": "expired"}', "answered 401: expired"),
            ("503 without an end", 503, "", "answered 503: Service Unavailable"),
            ("429 for a whole run", 429, "", "answered 429: Too Many Requests. It did so 8 times"),
            (
                "a cursor that repeats, for a customer",
                200,
                '{"data": [{"id": "i3"}], "next_page": "again"}',
                "its cursor repeats",
            ),
        ]
    ],
)
def test_a_fault_leaves_the_database_as_it_was(
    good: Workspace,
    undisturbed: Workspace,
    new_workspace: NewWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: str,
    message: str,
):
    monkeypatch.setattr(f"{SESSION}.LONGEST_PAUSE", 0.01)
    workspace = new_workspace(good)

    def answer(request: Request) -> Response | None:
        is_hit = request.url.path == INVOICES.format("c2")
        return Response(body, status) if is_hit else None

    with serving(Wire(Lists(LATER), answer)) as url, pytest.raises(InputError) as caught:
        workspace.load_api(url, "invoices")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert workspace.facts() == good.facts()
    with serving(Lists(LATER)) as url:
        workspace.load_api(url, "invoices")
    assert workspace.facts() == undisturbed.facts()
