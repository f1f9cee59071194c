"""Broken connections, answers that are not pages, lists without an end, and long waits."""

import re
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from dlt.common.typing import TSecretStrValue
from starlette.requests import Request
from starlette.responses import Response

from pipelines.common.errors import InputError
from pipelines.metronome_api.client import IDLE_PAGES, MetronomeClient
from pipelines.metronome_api.endpoints import ENDPOINTS
from pipelines.metronome_api.transport import (
    ATTEMPTS,
    LONGEST_PAUSE,
    Limits,
    RequestStats,
    StoppedError,
)
from sandbox.api.server import serving
from tests.pipelines.api.wire import Answer, Connect, connecting, head, raw, reset
from tests.pipelines.conftest import TOKEN, Lists, Wire

BODY = b'{"data": [{"id": "a"}], "next_page": null}'
WHOLE = head(f"Content-Length: {len(BODY)}", "Connection: close") + BODY
SESSION = "pipelines.metronome_api.transport"

fault = pytest.mark.fault


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    return connecting(monkeypatch)


# A broken line


def reset_in_head(line: socket.socket) -> None:
    line.sendall(WHOLE[:20])
    reset(line)


def reset_in_body(line: socket.socket) -> None:
    line.sendall(WHOLE[:-10])
    reset(line)


def cut_in_chunk(line: socket.socket) -> None:
    line.sendall(head("Transfer-Encoding: chunked") + b"40\r\n" + BODY[:10])


def cut_in_body(line: socket.socket) -> None:
    line.sendall(WHOLE[:-10])


def spoilt_gzip(line: socket.socket) -> None:
    line.sendall(head("Content-Encoding: gzip", "Connection: close") + BODY)


AGAIN = "retried, then the run stops with one line"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(reset_in_head, marks=fault("network", "reset in the headers", AGAIN)),
        pytest.param(reset_in_body, marks=fault("network", "reset mid-body", AGAIN)),
        pytest.param(cut_in_body, marks=fault("network", "closed mid-body", AGAIN)),
        pytest.param(cut_in_chunk, marks=fault("network", "closed mid-chunk", AGAIN)),
        pytest.param(spoilt_gzip, marks=fault("network", "data that is not gzip", AGAIN)),
    ],
)
def test_a_broken_answer_is_asked_for_again(connect: Connect, broken: Answer):
    answers = iter([broken, broken])
    with raw(lambda line: next(answers, lambda line: line.sendall(WHOLE))(line)) as (url, asked):
        assert connect(url).walk() == [{"id": "a"}]
    assert asked == [b"GET /v1/plans?limit=100 HTTP/1.1"] * 3
    with raw(broken) as (url, asked):
        with pytest.raises(InputError, match=rf"^GET /v1/plans at {url} failed: \w+Error\. Check"):
            connect(url).walk()
        assert len(asked) == ATTEMPTS


def drip(begin: bytes, drop: bytes) -> Answer:
    """Send a drop now and then, for as long as anybody listens."""

    def answer(line: socket.socket) -> None:
        line.sendall(begin)
        line.settimeout(0.02)
        listening = True
        while listening:
            line.sendall(drop)
            try:
                listening = line.recv(1) != b""
            except TimeoutError:
                continue

    return answer


@pytest.mark.parametrize(
    "dripping",
    [
        pytest.param(
            drip(head("Content-Length: 1000000"), b" "),
            marks=fault("network", "a body that drips for ever", AGAIN),
        ),
        pytest.param(
            drip(head("Transfer-Encoding: chunked"), b"1\r\n \r\n"),
            marks=fault("network", "chunks that drip for ever", AGAIN),
        ),
        pytest.param(
            drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"z"),
            marks=fault("network", "headers that drip for ever", AGAIN),
        ),
    ],
)
def test_an_answer_has_its_time(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, dripping: Answer
):
    monkeypatch.setattr(f"{SESSION}.LONGEST_ANSWER", 0.1)
    with raw(dripping) as (url, asked):
        with pytest.raises(InputError, match=r"failed: ReadTimeout\. Check METRONOME_BASE_URL"):
            connect(url).walk()
        assert len(asked) == ATTEMPTS


# Answers that are not pages


STOPS = "the run stops with one line"


def bomb() -> bytes:
    """Four gigabytes of blanks in four megabytes."""
    packer = zlib.compressobj(wbits=31)
    begin = packer.compress(b" ") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    return begin + block * 4096


@fault("network", "a gzip bomb", f"{STOPS}; memory stays bounded")
def test_a_gzip_bomb_is_not_unpacked(connect: Connect, monkeypatch: pytest.MonkeyPatch):
    most = 16 * 2**20
    monkeypatch.setattr(f"{SESSION}.LARGEST_ANSWER", most)
    body = bomb()
    wire = Wire(Lists({}), lambda request: Response(body, headers={"Content-Encoding": "gzip"}))
    with serving(wire) as url:
        line = connect(url)
        tracemalloc.start()
        with pytest.raises(InputError, match=rf"readable page: it is larger than {most:,} bytes$"):
            line.walk()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 5 * most
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b, m, marks=fault("network", what, f"{STOPS}; no list counts as empty"))
        for what, b, m in [
            ("invalid UTF-8", b'{"data": [{"name": "caf\xe9"}]}', "it is not JSON ('utf-8' codec"),
            ("JSON cut short", b'{"data": [{"id": "i', "it is not JSON"),
            ("HTML with status 200", b"<!doctype html><title>Hi</title>", "it is not JSON"),
            ("an empty body with status 200", b"", "it is not JSON"),
            ("lists nested too deep", b'{"data": ' + b"[" * 10**6, "its lists and objects are"),
            ("a list whose items are not objects", b'{"data": [1]}', "not all items are objects"),
            (
                "a number of 5000 digits",
                b'{"data": [{"n": ' + b"9" * 5000 + b"}]}",
                "the number 99",
            ),
            (
                "a number like 1e400",
                b'{"data": [{"n": 1e400}]}',
                "the number 1e400 has",
            ),
            ("NaN", b'{"data": [{"n": NaN}]}', "NaN is not a number"),
            ("an infinite amount", b'{"data": [{"n": -Infinity}]}', "-Infinity is not a number"),
            ("another object with status 200", b'{"message": "no"}', 'there is no list "data" in'),
        ]
    ],
)
def test_a_response_that_is_not_a_page_stops_the_list(connect: Connect, body: bytes, message: str):
    with serving(Wire(Lists({}), lambda request: Response(body))) as url:
        said = f"^GET /v1/plans at {url} did not return a readable page: "
        with pytest.raises(InputError, match=said + re.escape(message)):
            connect(url).walk()


# Pages without an end


def paging(cursor: Callable[[int], str], rows: Callable[[int], str]) -> Wire:
    """Return an API whose pages, counted from 1, always name a next one."""

    def answer(request: Request) -> Response:
        number = len(wire.requests)
        return Response(f'{{"data": {rows(number)}, "next_page": "{cursor(number)}"}}')

    wire = Wire(Lists({}), answer)
    return wire


@pytest.mark.parametrize(
    ("cursor", "rows", "asked", "message"),
    [
        pytest.param(
            lambda number: f"p{number % 3}",
            lambda number: f'[{{"id": "{number}"}}]',
            4,
            "its cursor repeats",
            marks=fault("network", "a cursor that repeats", STOPS),
        ),
        pytest.param(
            lambda number: f"p{number}",
            lambda number: "[]",
            IDLE_PAGES,
            "100 pages in a row had no new row",
            marks=fault("network", "empty pages without an end", STOPS),
        ),
        pytest.param(
            lambda number: f"p{number}",
            lambda number: '[{"id": "a"}]',
            IDLE_PAGES + 1,
            "100 pages in a row had no new row",
            marks=fault("network", "the same page under ever new cursors", STOPS),
        ),
    ],
)
def test_pages_come_to_an_end(
    connect: Connect,
    cursor: Callable[[int], str],
    rows: Callable[[int], str],
    asked: int,
    message: str,
):
    wire = paging(cursor, rows)
    with serving(wire) as url, pytest.raises(InputError, match=message):
        connect(url).walk()
    assert len(wire.requests) == asked


def test_the_audit_log_may_name_a_next_page_for_ever(connect: Connect):
    """The last page of the audit log is the first empty one, and it can repeat its cursor."""
    wire = paging(lambda number: f"p{min(number, 3)}", lambda n: '[{"id": "a"}]' if n < 5 else "[]")
    with serving(wire) as url, pytest.raises(InputError, match="its cursor repeats"):
        connect(url).walk(ENDPOINTS["audit_logs"])
    wire = paging(lambda number: f"p{min(number, 2)}", lambda n: '[{"id": "a"}]' if n < 3 else "[]")
    with serving(wire) as url:
        assert connect(url).walk(ENDPOINTS["audit_logs"]) == [{"id": "a"}] * 2
    assert len(wire.requests) == 3


# Waiting


SKEWED = {
    "a date in the past": "Wed, 21 Oct 2015 07:28:00 GMT",
    "a date years ahead": format_datetime(datetime.now(UTC) + timedelta(days=4000), usegmt=True),
    "a year of six digits": "Fri, 31 Dec 999999 23:59:59 GMT",
    "a negative number": "-5",
    "a huge number": "9" * 30,
    "thousands of digits": "9" * 5000,
    "no number": "NaN",
}


@pytest.mark.parametrize(
    "retry_after",
    [
        pytest.param(
            text,
            id=what,
            marks=fault("network", f"Retry-After: {what}", "a pause of a minute at most"),
        )
        for what, text in SKEWED.items()
    ],
)
def test_no_retry_after_leads_astray(connect: Connect, retry_after: str):
    answers = iter([Response(status_code=429, headers={"Retry-After": retry_after})])
    wire = Wire(Lists({"/v1/plans": ['[{"id": "a"}]']}), lambda request: next(answers, None))
    with serving(wire) as url:
        line = connect(url)
        assert line.walk() == [{"id": "a"}]
    ahead = re.match(r"9{30}$|.*20\d\d .* GMT", retry_after) and "2015" not in retry_after
    assert line.paused == [LONGEST_PAUSE] if ahead else 0 <= line.paused[0] <= 0.5


@fault("network", "429 without an end", "limited pauses, then one line that states what to do")
def test_a_storm_of_429s_is_given_up(connect: Connect):
    storm = Response('{"message": "slow down"}', 429, {"Retry-After": "3600"})
    wire = Wire(Lists({}), lambda request: storm)
    with serving(wire) as url:
        line = connect(url)
        said = (
            r"^GET /v1/plans answered 429: slow down\. It did so 8 times\. Does another program "
            r"use up the account's limit\? Lower sources\.metronome_api\.requests_per_second, or"
        )
        with pytest.raises(InputError, match=said):
            line.walk()
    assert len(wire.requests) == ATTEMPTS
    assert line.stats.waited_seconds == (ATTEMPTS - 1) * LONGEST_PAUSE


@fault("network", "an error while others wait for their turn", "their waits end at once")
def test_a_stop_ends_the_wait_for_a_turn():
    begun = threading.Event()
    ended: list[BaseException] = []

    def answer(request: Request) -> None:
        begun.set()

    with serving(Wire(Lists({"/v1/plans": ["[]", "[]"]}), answer)) as url:
        client = MetronomeClient(url, TSecretStrValue(TOKEN), Limits(requests_per_second=0.001))

        def walk() -> None:
            try:
                list(client.walk(ENDPOINTS["plans"], {}, {}, RequestStats()))
            except StoppedError as error:
                ended.append(error)

        thread = threading.Thread(target=walk, daemon=True)
        thread.start()
        assert begun.wait(60)
        client.stop(InputError("enough"))
        thread.join(60)
    assert [str(error.__cause__) for error in ended] == ["enough"]
