"""Test the rate of requests, and which failed requests are retried."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from starlette.responses import Response

from pipelines.common.errors import InputError
from pipelines.metronome_api.endpoints import ENDPOINTS
from pipelines.metronome_api.rate_limiter import CATCH_UP, RateLimiter
from pipelines.metronome_api.transport import ATTEMPTS, Limits, RequestStats
from sandbox.api.fault_options import Faults
from sandbox.api.faults import FaultyApi
from sandbox.api.server import create_app, listen, serving
from sandbox.core.account import Account
from tests.pipelines.api.wire import Clock, Connect, connecting
from tests.pipelines.conftest import TOKEN, Lists, Wire

CUSTOMERS = ENDPOINTS["customers"]
TWO_PAGES = {"/v1/plans": ['[{"id": "a"}]', '[{"id": "b"}]']}


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    return connecting(monkeypatch)


def first(*answers: Response) -> Wire:
    """Return two pages of plans, after some other answers."""
    left = iter(answers)
    return Wire(Lists(TWO_PAGES), lambda request: next(left, None))


# Retries


@pytest.mark.fault("network", "408, 409, 429 and 5xx", "retried after a pause")
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_what_may_pass_is_asked_again(connect: Connect, status: int):
    wire = first(Response(status_code=status), Response(status_code=status))
    with serving(wire) as url:
        line = connect(url)
        assert line.walk() == [{"id": "a"}, {"id": "b"}]
    assert len(wire.requests) == 4
    limited = 2 if status == 429 else 0
    assert (line.stats.requests, line.stats.retries, line.stats.rate_limited) == (4, 2, limited)
    assert len(line.paused) == 2
    assert 0 <= line.paused[0] <= 0.5
    assert 0 <= line.paused[1] <= 1


@pytest.mark.fault("network", "dropped, cut and refused answers, mixed", "every row once")
@pytest.mark.parametrize("fault", ["drop", "truncate", "errors"])
def test_a_walk_through_faults_gives_every_row_once(connect: Connect, account: Account, fault: str):
    wire = Wire(create_app(account, TOKEN), page_size=3)
    faulty = FaultyApi(wire, Faults(**{fault: 0.3}))
    with serving(faulty) as url:
        line = connect(url)
        found = line.walk(CUSTOMERS)
    active = [item["id"] for item in account.production.customers if not item["archived_at"]]
    assert [item["id"] for item in found] == active
    assert line.stats.retries == faulty.counts[fault] > 2
    assert line.stats.requests == faulty.counts["requests"]


def test_a_refusal_is_not_asked_again(connect: Connect):
    wire = first(Response('{"message": "no such filter"}', 400))
    with serving(wire) as url:
        line = connect(url)
        with pytest.raises(InputError, match=r"^GET /v1/plans answered 400: no such filter\.$"):
            line.walk()
    assert len(wire.requests) == 1


@pytest.mark.fault("network", "503 for ever", "the run stops with one line")
def test_attempts_come_to_an_end(connect: Connect):
    wire = Wire(Lists({}), lambda request: Response("out of order", 503))
    with serving(wire) as url:
        line = connect(url)
        with pytest.raises(InputError, match=r"^GET /v1/plans answered 503: Service Unavailable"):
            line.walk()
    assert len(wire.requests) == ATTEMPTS
    assert max(line.paused) <= 30


@pytest.mark.fault("network", "connections closed without an answer", "the run stops with one line")
def test_a_line_that_is_always_broken_is_given_up(connect: Connect):
    faulty = FaultyApi(Lists({}), Faults(drop=1))
    with serving(faulty) as url:
        line = connect(url)
        with pytest.raises(InputError, match=f"at {url} failed: ConnectionError. Check METRONOME"):
            line.walk()
    assert faulty.counts["drop"] == ATTEMPTS


@pytest.mark.fault("network", "connection refused", "the run stops with one line")
def test_an_api_that_is_not_there_is_said(connect: Connect):
    with listen(0) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(InputError, match=f"at http://127.0.0.1:{port} failed: ConnectionError"):
        connect(f"http://127.0.0.1:{port}").walk()


@pytest.mark.fault("network", "a redirect to another host", "not followed; the token stays here")
def test_a_redirect_is_not_followed_and_gets_no_token(connect: Connect):
    other = Wire(Lists(TWO_PAGES))
    with serving(other) as elsewhere:
        wire = first(Response(status_code=302, headers={"Location": f"{elsewhere}/v1/plans"}))
        with serving(wire) as url, pytest.raises(InputError, match="leads to another address"):
            connect(url).walk()
    assert (len(wire.requests), other.requests) == (1, [])


# Rate limits


def limited(kind: str | None = None, retry_after: str | None = None) -> Response:
    headers = {"X-Metronome-Rate-Limit-Type": kind, "Retry-After": retry_after}
    return Response(
        status_code=429, headers={name: value for name, value in headers.items() if value}
    )


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("7", 7), ("60", 60), ("3600", 60), ("soon", None), (None, None)]
)
def test_retry_after_is_kept_up_to_a_minute(
    connect: Connect, retry_after: str | None, seconds: float | None
):
    with serving(first(limited("client", retry_after))) as url:
        line = connect(url)
        assert len(line.walk()) == 2
    if seconds is None:
        assert 0 <= line.paused[0] <= 0.5
    else:
        assert line.paused == [seconds]
        assert line.stats.waited_seconds >= seconds


def test_retry_after_may_be_a_date(connect: Connect):
    moment = datetime.now(UTC) + timedelta(seconds=50)
    with serving(first(limited("client", format_datetime(moment, usegmt=True)))) as url:
        line = connect(url)
        assert len(line.walk()) == 2
    assert 20 < line.paused[0] <= 50


@pytest.mark.parametrize(("kind", "others_wait"), [("client", 7), (None, 7), ("customer", 0)])
def test_a_limit_of_the_client_stops_all_and_one_of_a_customer_only_its_request(
    connect: Connect, kind: str | None, others_wait: float
):
    other = RequestStats()
    with serving(first(limited(kind, "7"))) as url:
        line = connect(url)

        def ask_for_another() -> None:
            list(line.client.walk(CUSTOMERS, {}, {}, other))

        line.meanwhile = ask_for_another
        assert len(line.walk()) == 2
    assert other.requests == 1
    assert other.waited_seconds == pytest.approx(others_wait, abs=0.01)


# The pace


def test_turns_are_evenly_spaced(monkeypatch: pytest.MonkeyPatch):
    clock = Clock()
    monkeypatch.setattr("pipelines.metronome_api.rate_limiter.time", clock)
    limiter = RateLimiter(4)

    def turns(number: int) -> list[float]:
        times = []
        for _ in range(number):
            clock.sleep(limiter.acquire())
            times.append(clock.now)
        return [later - earlier for earlier, later in pairwise(times)]

    assert turns(6) == [0.25] * 5
    clock.now += 10
    assert turns(6) == [0] * CATCH_UP + [0.25] * (5 - CATCH_UP)
    limiter.pause(3)
    limiter.pause(1)
    assert limiter.acquire() == 3


def test_an_endpoint_may_have_a_lower_rate(connect: Connect):
    with serving(Lists(TWO_PAGES)) as url:
        line = connect(url, Limits(1000, endpoint_requests_per_second={"/v1/plans": 0.5}))
        line.walk()
        assert sum(line.clock.slept) == pytest.approx(2, abs=0.01)
        line.walk(CUSTOMERS)
        assert sum(line.clock.slept) == pytest.approx(2, abs=0.01)
