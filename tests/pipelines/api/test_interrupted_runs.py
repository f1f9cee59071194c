"""Runs that a refusal or a kill stopped: the next run resumes and ends the same."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event

import pytest
from starlette.requests import Request
from starlette.responses import Response

from pipelines.common.errors import InputError
from sandbox.api.server import create_app, serving
from sandbox.core.account import Account
from tests.pipelines.api.answers import JUNE, customers_of
from tests.pipelines.conftest import TOKEN, Lists, NewWorkspace, Wire, Workspace


@pytest.mark.fault(
    "network", "a token that expires, then is refused", "the run resumes, with a valid token"
)
def test_a_token_that_is_let_in_no_more_does_not_end_the_run_that_it_began(workspace: Workspace):
    """The token expires at the third customer. The next start continues there, and is refused."""
    created = '"created_at": "2024-05-01T00:00:00Z"'
    status = {"now": 401}

    def refuse(request: Request) -> Response | None:
        is_let_in = status["now"] == 401 and "/c3/" not in request.url.path
        return None if is_let_in else Response("{}", status["now"])

    one_by_one = {
        "SOURCES__METRONOME_API__CUSTOMERS_PER_BATCH": "2",
        "SOURCES__METRONOME_API__REQUESTS_IN_FLIGHT": "1",
    }
    with serving(Wire(Lists(customers_of(*[created] * 4)), refuse)) as url:
        with pytest.raises(InputError, match="answered 401"):
            workspace.load_api(url, "invoices", as_of=JUNE, **one_by_one)
        status["now"] = 403
        with pytest.raises(InputError, match=r"answered 403.* It answered earlier in this run"):
            workspace.load_api(url, "invoices", as_of=JUNE, **one_by_one)
    assert workspace.column("select finished_at from raw_api.runs") == [None]


BATCH = 6


@dataclass
class Moment:
    """When to kill a run: once so many requests were sent, or at the next write after that."""

    requests: int
    at_write: bool


def moments() -> Iterator[Moment]:
    source = random.Random(7)
    for number in range(6):
        yield Moment(source.randint(1, 60), at_write=number % 2 == 1)


def kill(workspace: Workspace, wire: Wire, moment: Moment, **settings: str) -> bool:
    """Start a run and kill it. Return whether it was killed before it ended."""
    begun = len(wire.requests)
    log = workspace.database.with_name("metronome.duckdb.wal")
    process = workspace.start("pipeline", "metronome_api", "run", **settings)
    pause = Event()
    while process.poll() is None and len(wire.requests) - begun < moment.requests:
        pause.wait(0.005)
    written = log.stat().st_mtime_ns if log.exists() else 0
    while moment.at_write and process.poll() is None:
        if (log.stat().st_mtime_ns if log.exists() else 0) != written:
            break
        pause.wait(0.005)
    process.kill()
    return process.wait() < 0


@pytest.mark.fault(
    "process", "kill -9 in mid-run, at reads and at writes", "the next run ends the same"
)
def test_a_run_that_is_killed_goes_on_and_ends_as_if_nothing_had_been(
    workspace: Workspace, later: Account, new_workspace: NewWorkspace
):
    app = create_app(later, TOKEN)
    undisturbed = new_workspace()
    with serving(app) as url:
        undisturbed.load_api(url, as_of=later.now)

    ids = {customer["id"] for customer in later.production.customers}
    asked_in: list[set[str]] = []
    wire = Wire(app)
    with serving(wire) as url:
        settings = {
            "METRONOME_BASE_URL": url,
            "METRONOME_BEARER_TOKEN": TOKEN,
            "SOURCES__METRONOME_API__CUSTOMERS_PER_BATCH": str(BATCH),
        }
        settings["SOURCES__METRONOME_API__AS_OF"] = f"{later.now:%Y-%m-%dT%H:%M:%SZ}"
        for moment in [*moments(), None]:
            begun = len(wire.requests)
            if moment:
                assert kill(workspace, wire, moment, **settings)
            else:
                done = workspace.dlt("pipeline", "metronome_api", "run", **settings)
                assert (done.returncode, done.stderr) == (0, "")
            texts = [f"{item.url} {item._body.decode()}" for item in wire.requests[begun:]]
            asked_in.append({key for key in ids if any(key in text for text in texts)})
    assert workspace.facts() == undisturbed.facts()
    assert workspace.value("select count(*) from raw_api.runs where finished_at is not null") == 1
    assert workspace.value("select count(*) from raw_api.runs") == 1
    for number, customers in enumerate(asked_in[:-1]):
        again = customers & set().union(*asked_in[number + 1 :])
        assert len(again) <= BATCH
    assert set().union(*asked_in) == ids
