"""Faults in front of the sandbox's API: each one as a client meets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from metronome import Metronome

from sandbox.api.fault_options import Faults
from sandbox.api.faults import DRIPS, ERRORS, FaultyApi, path_pattern
from sandbox.api.server import TOKEN, create_app, serving
from sandbox.core.account import Account

HEADER = {"Authorization": f"Bearer {TOKEN}"}


class Clock:
    """A clock that only pauses move. It records the pauses."""

    def __init__(self) -> None:
        self.now, self.pauses = 100.0, []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@contextmanager
def faulty(account: Account, clock: Clock | None = None, **faults: Any) -> Iterator[Any]:
    """Yield the API with faults: the app, and a client of it."""
    clock = clock or Clock()
    app = FaultyApi(create_app(account), Faults(**faults), clock, clock.sleep)
    with serving(app) as url, httpx.Client(base_url=url, headers=HEADER) as client:
        yield app, client


def test_without_faults_everything_is_served(account: Account):
    with faulty(account) as (app, http):
        for _ in range(3):
            assert http.get("/v1/plans").status_code == 200
    assert app.counts == {"requests": 3, "served": 3}


@pytest.mark.parametrize("kind", ["client", "customer"])
@pytest.mark.parametrize("retry_after", ["none", "seconds", "date"])
def test_rate_limit(account: Account, kind: str, retry_after: str):
    clock = Clock()
    limits = {"rate_limit": 8, "rate_limit_type": kind, "retry_after": retry_after}
    with faulty(account, clock, **limits) as (app, http):
        statuses = [http.get("/v1/plans").status_code for _ in range(4)]
        assert statuses == [200, 200, 429, 429], "a burst of two, then no more"
        response = http.get("/v1/plans")
        clock.now += 1 / 8
        assert [http.get("/v1/plans").status_code for _ in range(2)] == [200, 429]
    assert response.headers["X-Metronome-Rate-Limit-Type"] == kind
    assert response.json()["message"]
    told = response.headers.get("Retry-After")
    if retry_after == "none":
        assert told is None
    elif retry_after == "seconds":
        assert told == "1"
    else:
        assert abs((parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()) < 60
    assert app.counts == {"requests": 7, "served": 3, "limited": 4}


def test_a_limit_below_one_per_second_lets_requests_through(account: Account):
    clock = Clock()
    with faulty(account, clock, rate_limit=0.5, retry_after="seconds") as (_, http):
        assert http.get("/v1/plans").status_code == 200
        assert http.get("/v1/plans").headers["Retry-After"] == "2"
        clock.now += 2
        assert http.get("/v1/plans").status_code == 200


def test_latency_comes_before_every_answer(account: Account):
    clock = Clock()
    with faulty(account, clock, latency=250) as (_, http):
        http.get("/v1/plans")
        http.get("/v1/nothing")
    assert clock.pauses == [0.25, 0.25]


def test_errors_come_in_turn(account: Account):
    with faulty(account, errors=1) as (app, http):
        answers = [http.get("/v1/plans") for _ in range(len(ERRORS) + 1)]
    assert [answer.status_code for answer in answers] == [*ERRORS, ERRORS[0]]
    assert all(answer.json()["message"] for answer in answers)
    assert app.counts == {"requests": 6, "errors": 6}


def test_shares_hit_the_same_requests_in_every_run(account: Account):
    def run(seed: int) -> list[int]:
        with faulty(account, errors=0.3, seed=seed) as (app, http):
            statuses = [http.get("/v1/plans").status_code for _ in range(60)]
        assert app.counts["errors"] + app.counts["served"] == 60
        assert 5 < app.counts["errors"] < 35
        return statuses

    assert run(1) == run(1) != run(2)


def test_dropped_connection(account: Account):
    with faulty(account, drop=1) as (app, http), pytest.raises(httpx.RemoteProtocolError):
        http.get("/v1/plans")
    assert app.counts == {"requests": 1, "drop": 1}


def test_truncated_body(account: Account):
    with faulty(account, truncate=1) as (app, http), http.stream("GET", "/v1/plans") as response:
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
            response.read()
    assert app.counts == {"requests": 1, "truncate": 1}


def test_dripping_body_arrives_whole(account: Account):
    clock = Clock()
    with faulty(account, clock, drip=1) as (app, http):
        slow = http.get("/v1/plans")
    with faulty(account) as (_, http):
        assert slow.content == http.get("/v1/plans").content
    assert len(clock.pauses) == DRIPS
    assert app.counts == {"requests": 1, "drip": 1}


def test_gone_paths(account: Account):
    with faulty(account, gone=("/v1/planDetails/{plan_id}/charges", "/v1/usage*")) as (app, http):
        plan = http.get("/v1/plans").json()["data"][0]["id"]
        assert http.get(f"/v1/planDetails/{plan}/charges").status_code == 404
        assert http.get(f"/v1/planDetails/{plan}").status_code == 200
        assert http.post("/v1/usage/groups", json={}).status_code == 404
    assert app.counts == {"requests": 4, "served": 2, "gone": 2}


def test_a_client_that_retries_gets_everything(account: Account):
    app = FaultyApi(create_app(account), Faults(errors=0.2, drop=0.2, seed=3))
    with serving(app) as url:
        sdk = Metronome(base_url=url, bearer_token=TOKEN, max_retries=20)
        sdk._calculate_retry_timeout = lambda *_: 0.0  # its own waits take minutes
        plans = [plan.id for plan in sdk.v1.plans.list(limit=1)]
    assert plans == [plan["id"] for plan in account.production.catalog.plans.values()]
    assert app.counts["errors"] > 0
    assert app.counts["drop"] > 0


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/v1/customers/{customer_id}/invoices", "/v1/customers/x/invoices", True),
        ("/v1/customers/{customer_id}/invoices", "/v1/customers/x/invoices/y", False),
        ("/v1/usage", "/v1/usage/groups", False),
        ("/v1/usage*", "/v1/usage/groups", True),
        ("/v1/a.b", "/v1/a-b", False),
    ],
)
def test_path_pattern(pattern: str, path: str, matches: bool):
    assert bool(path_pattern([pattern]).fullmatch(path)) == matches
    assert not path_pattern([]).fullmatch(path)
