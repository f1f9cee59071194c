"""How requests are sent: at a pace, again where that may help, and with bounds on what comes back.

An answer may take so long and be so large, whatever the other side does; and the token, should an
answer repeat it, is taken out before anything reads it.
"""

import http.client
import io
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from requests import HTTPError, PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError, ContentDecodingError, ReadTimeout, Timeout
from requests.exceptions import ConnectionError as BrokenConnectionError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import InvalidHeader, ReadTimeoutError
from urllib3.util.retry import Retry

from pipelines.errors import InputError
from pipelines.metronome_api.pace import Pace

ATTEMPTS = 8
LONGEST_PAUSE = 60.0
"""Seconds that one pause lasts at most, whatever the API asks for."""

TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for the next byte."""

LONGEST_ANSWER = 120.0
"""Seconds from a request to the last byte of its answer: bytes that drip do not prolong it."""

LARGEST_ANSWER = 256 * 1024 * 1024
"""Bytes of an answer, decompressed: 25 invoices of ten thousand lines each."""

SHORTEST_SECRET = 16
"""A token that is shorter is not taken out of answers: it could be part of an amount."""

_CHUNK = 1024 * 1024

_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)


class StoppedError(Exception):
    """Another thread met an error that ends the run."""


class TooLargeError(ValueError):
    """An answer is larger than any page can be."""


@dataclass
class Tally:
    """What reading cost: requests, those of them that were repeats, 429s, and seconds waited."""

    requests: int = 0
    retries: int = 0
    rate_limited: int = 0
    waited_seconds: float = 0.0

    def __iadd__(self, other: "Tally") -> "Tally":
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


@dataclass
class Limits:
    """How fast the API may be asked.

    Attributes:
        requests_per_second: For the whole account.
        requests_in_flight: At the same time.
        endpoint_requests_per_second: Lower limits of single endpoints, by path.
    """

    requests_per_second: float = 7.5
    requests_in_flight: int = 8
    endpoint_requests_per_second: Mapping[str, float] = field(default_factory=dict)


class PacedSession(Session):
    """Sends requests at the account's pace, and again where that may help."""

    def __init__(self, limits: Limits) -> None:
        """Share one pace and one pool of connections among all threads."""
        super().__init__()
        self.stopped = threading.Event()
        self._in_flight = threading.BoundedSemaphore(limits.requests_in_flight)
        self.reason: InputError | None = None
        self._pace = Pace(limits.requests_per_second)
        self._paces = {
            path: Pace(rate) for path, rate in limits.endpoint_requests_per_second.items()
        }
        adapter = _BoundedAdapter(pool_connections=1, pool_maxsize=limits.requests_in_flight)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def send(  # type: ignore[override]
        self, request: PreparedRequest, *, endpoint: str, tally: Tally, **settings: Any
    ) -> Response:
        """Send a request when its turn comes; repeat it after 408, 409, 429, 5xx and broken lines.

        Raises:
            requests.RequestException: If it failed for good, or the last attempt failed.
            TooLargeError: If its answer is.
            StoppedError: If the run is over, at once.
        """
        paces = [self._paces[endpoint]] if endpoint in self._paces else []

        def wait(seconds: float) -> None:
            tally.waited_seconds += seconds
            self.stopped.wait(seconds)

        def wait_for_turn(state: RetryCallState) -> None:
            for pace in [*paces, self._pace]:
                if seconds := pace.turn():
                    wait(seconds)
            if self.stopped.is_set():
                raise StoppedError from self.reason
            tally.requests += 1
            tally.retries += state.attempt_number > 1

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            seconds = min(_asked_for(error) or _BACKOFF(state), LONGEST_PAUSE)
            if isinstance(error, HTTPError) and error.response.status_code == 429:
                tally.rate_limited += 1
                if error.response.headers.get("X-Metronome-Rate-Limit-Type") != "customer":
                    self._pace.pause(seconds)
            return seconds

        attempts = Retrying(
            before=wait_for_turn,
            retry=retry_if_exception(_may_succeed),
            wait=pause,
            sleep=wait,
            stop=stop_after_attempt(ATTEMPTS),
            reraise=True,
        )
        settings |= {"timeout": TIMEOUT, "allow_redirects": False}
        return attempts(self._send, request, **settings)

    def _send(self, request: PreparedRequest, **settings: Any) -> Response:
        with self._in_flight:
            return super().send(request, **settings)


def _may_succeed(error: BaseException) -> bool:
    if isinstance(error, HTTPError):
        status = error.response.status_code
        return status in (408, 409, 429) or status >= 500
    return isinstance(
        error, BrokenConnectionError | Timeout | ChunkedEncodingError | ContentDecodingError
    )


def _asked_for(error: BaseException | None) -> float | None:
    """The seconds that a Retry-After asks for, be they given as a number or as a date."""
    if not isinstance(error, HTTPError):
        return None
    try:
        return Retry().get_retry_after(error.response.raw)
    except (InvalidHeader, ValueError, OverflowError):  # thousands of digits, the year 100000
        return None


class _BoundedAdapter(HTTPAdapter):
    """Reads answers whole, within bounds, before hooks and redirects look at them."""

    def get_connection_with_tls_context(self, *args: Any, **settings: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **settings)
        pool.ConnectionCls = _HttpsConnection if pool.scheme == "https" else _HttpConnection
        return pool

    def send(self, request: PreparedRequest, *args: Any, **settings: Any) -> Response:
        response = super().send(request, *args, **settings)
        try:
            body = _read(response)
        except BrokenConnectionError as error:
            if isinstance(error.args[0], ReadTimeoutError):
                raise ReadTimeout(*error.args) from error
            raise
        secret = request.headers["Authorization"].removeprefix("Bearer ").encode()
        if len(secret) >= SHORTEST_SECRET:
            body = body.replace(secret, "…".encode())
        response._content = body
        return response


def _read(response: Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            response.close()
            raise TooLargeError(f"it is larger than {LARGEST_ANSWER:,} bytes")
    return bytes(body)


class _Incoming(io.RawIOBase):
    """The bytes of one answer, headers included, until its time is over."""

    def __init__(self, raw: socket.SocketIO, line: socket.socket) -> None:
        super().__init__()
        self._raw, self._line = raw, line
        self._until = time.monotonic() + LONGEST_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no whole answer within {LONGEST_ANSWER:g} seconds")
        self._line.settimeout(min(left, TIMEOUT[1]))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, line: socket.socket, *args: Any, **settings: Any) -> None:
        super().__init__(line, *args, **settings)
        self.fp = io.BufferedReader(_Incoming(self.fp.detach(), line))


class _HttpConnection(HTTPConnection):
    response_class = _Answer


class _HttpsConnection(HTTPSConnection):
    response_class = _Answer
