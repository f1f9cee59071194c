"""Send requests at the account's rate, retry them, and limit the responses.

dlt's `requests` client decides which requests are retried and how often. This module adds one rate
for all threads, waits that end when a run stops, a limit on the time and size of a response, and
the removal of the token from responses that repeat it.
"""

import io
import random
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from socket import SHUT_RDWR
from typing import Any

from dlt.sources.helpers.requests import Client
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ChunkedEncodingError,
    ContentDecodingError,
    ReadTimeout,
    Timeout,
)
from requests.exceptions import ConnectionError as BrokenConnectionError
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, HTTPError, InvalidHeader, ReadTimeoutError
from urllib3.util.retry import Retry

from pipelines.common.errors import InputError
from pipelines.metronome_api.rate_limiter import RateLimiter

ATTEMPTS = 8
REPEATED_STATUS = (408, 409, 429, *range(500, 600))
REPEATED_ERRORS = (BrokenConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError)

LONGEST_PAUSE = 60.0
"""Longest pause before an attempt in seconds, even if the API requests more."""

BACKOFF = 0.5, 30.0
"""Longest pauses in seconds: before the second attempt, which doubles, and before any attempt."""

TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for the next byte."""

LONGEST_ANSWER = 120.0
"""Seconds from a request to the last byte of its response."""

LARGEST_ANSWER = 256 * 1024 * 1024
"""Largest response in bytes, decompressed: 25 invoices of ten thousand lines each."""

SHORTEST_SECRET = 16
"""A token is removed from responses if it is this long. A shorter token can be in an amount."""

CHUNK = 1024 * 1024


class StoppedError(Exception):
    """An error in another thread ended the run."""


class TooLargeError(ValueError):
    """A response is larger than any page can be."""


@dataclass
class RequestStats:
    """Count requests, retries included, responses with 429, and the seconds waited."""

    requests: int = 0
    retries: int = 0
    rate_limited: int = 0
    waited_seconds: float = 0.0

    def __iadd__(self, other: "RequestStats") -> "RequestStats":
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


@dataclass
class Limits:
    """The limits of the requests to the API.

    Attributes:
        requests_per_second: Rate of the whole account.
        requests_in_flight: Requests at the same time.
        endpoint_requests_per_second: Lower limits of single endpoints, by path.
    """

    requests_per_second: float = 7.5
    requests_in_flight: int = 8
    endpoint_requests_per_second: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Call:
    """Track the attempts of one request after another.

    Attributes:
        endpoint: The path with its placeholders, for the limit of a single endpoint.
        stats: Counts the requests.
        attempt: The number of the current attempt.
        pause: Seconds to wait before the next attempt.
    """

    endpoint: str
    stats: RequestStats
    attempt: int = 0
    pause: float = 0.0
    _request: PreparedRequest | None = None

    def begin(self, request: PreparedRequest) -> None:
        """Count an attempt. A new request starts at the first attempt."""
        if request is not self._request:
            self._request, self.attempt, self.pause = request, 0, 0.0
        self.attempt += 1


def new_session(adapter: "PacedAdapter") -> Session:
    """Return dlt's session, which retries requests, with an adapter that waits before each."""
    client = Client(
        request_timeout=TIMEOUT,
        raise_for_status=False,  # RESTClient does that
        status_codes=REPEATED_STATUS,
        exceptions=REPEATED_ERRORS,
        request_max_attempts=ATTEMPTS,
        request_backoff_factor=0,  # the adapter waits: a stopped run does not end dlt's sleep
        respect_retry_after_header=False,
    )
    session = client.session
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class PacedAdapter(HTTPAdapter):
    """Send each attempt of a request when the rate allows it, and read its whole response.

    Threads can share an adapter. They share its rate and its connections.
    """

    def __init__(self, limits: Limits) -> None:
        """Apply `limits`."""
        self.stopped = threading.Event()
        self.reason: InputError | None = None
        self._in_flight = threading.BoundedSemaphore(limits.requests_in_flight)
        self._limiter = RateLimiter(limits.requests_per_second)
        self._limiters = {
            path: RateLimiter(rate) for path, rate in limits.endpoint_requests_per_second.items()
        }
        super().__init__(pool_connections=1, pool_maxsize=limits.requests_in_flight)

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        """Use connections whose responses have a deadline."""
        super().init_poolmanager(*args, **settings)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **settings: Any) -> Any:
        """Use the same connections through a proxy."""
        manager = super().proxy_manager_for(*args, **settings)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: PreparedRequest, *, call: Call, **settings: Any) -> Response:  # type: ignore[override]
        """Send one attempt of a request.

        Raises:
            requests.RequestException: If there is no complete response.
            TooLargeError: If the response is too large.
            StoppedError: If the run has ended, without a wait.
        """
        call.begin(request)
        self._wait(call, call.pause)
        for limiter in (self._limiters.get(call.endpoint), self._limiter):
            if limiter:
                self._wait(call, limiter.acquire())
        if self.stopped.is_set():
            raise StoppedError from self.reason
        call.stats.requests += 1
        call.stats.retries += call.attempt > 1
        longest = min(BACKOFF[0] * 2 ** (call.attempt - 1), BACKOFF[1], LONGEST_PAUSE)
        call.pause = random.uniform(0, longest)
        with self._in_flight:
            response = super().send(request, **settings | {"stream": True})
            body = _read(response)
        self._obey(response, call)
        secret = request.headers["Authorization"].removeprefix("Bearer ").encode()
        if len(secret) >= SHORTEST_SECRET:
            body = body.replace(secret, "…".encode())
        response.raw = io.BytesIO(body)
        return response

    def _wait(self, call: Call, seconds: float) -> None:
        if seconds:
            call.stats.waited_seconds += seconds
            self.stopped.wait(seconds)

    def _obey(self, response: Response, call: Call) -> None:
        """Pause as long as the response requests: this request, and after a 429 all requests."""
        if response.status_code in REPEATED_STATUS:
            call.pause = min(_retry_after(response) or call.pause, LONGEST_PAUSE)
        if response.status_code == 429:
            call.stats.rate_limited += 1
            if response.headers.get("X-Metronome-Rate-Limit-Type") != "customer":
                self._limiter.pause(call.pause)


def _retry_after(response: Response) -> float | None:
    """Return the seconds of a Retry-After header, which is a number or a date."""
    try:
        return Retry().parse_retry_after(response.headers["Retry-After"])
    except (KeyError, InvalidHeader, ValueError, OverflowError):  # thousands of digits, year 100000
        return None


def _read(response: Response) -> bytes:
    """Return the body of a response, decompressed.

    Raises:
        requests.RequestException: If it is incomplete or takes too long.
        TooLargeError: If it is too large.
    """
    connection = response.raw.connection
    body = bytearray()
    try:
        for chunk in response.raw.stream(CHUNK, decode_content=True):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise TooLargeError(f"it is larger than {LARGEST_ANSWER:,} bytes")
        if connection.deadline.is_over:
            raise ReadTimeout(f"no complete response within {LONGEST_ANSWER:g} seconds")
    except HTTPError as error:
        response.close()
        if connection.deadline.is_over or isinstance(error, ReadTimeoutError):
            raise ReadTimeout(error) from error
        if isinstance(error, DecodeError):
            raise ContentDecodingError(error) from error
        raise ChunkedEncodingError(error) from error
    except ValueError:
        response.close()
        raise
    finally:
        connection.deadline.cancel()
    return bytes(body)


class _Deadline(threading.Timer):
    """Shut a connection down when the time of a response is over."""

    def __init__(self, connection: HTTPConnection) -> None:
        super().__init__(LONGEST_ANSWER, self._end)
        self.daemon = True
        self.is_over = False
        self._connection = connection

    def _end(self) -> None:
        self.is_over = True
        with suppress(OSError, AttributeError):  # closed already
            self._connection.sock.shutdown(SHUT_RDWR)


class _DeadlineMixin:
    """Add a deadline to each response of a urllib3 connection, from its first header on.

    The timeouts of requests and urllib3 restart with every byte, so a slow response could take for
    ever.
    """

    deadline: _Deadline

    def getresponse(self) -> Any:
        self.deadline = _Deadline(self)  # type: ignore[arg-type]
        self.deadline.start()
        try:
            answer = super().getresponse()  # type: ignore[misc]
        except BaseException as error:
            self.deadline.cancel()
            if self.deadline.is_over:
                raise TimeoutError from error
            raise
        if self.deadline.is_over:
            raise TimeoutError
        return answer


class _HttpConnection(_DeadlineMixin, HTTPConnection):
    pass


class _HttpsConnection(_DeadlineMixin, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


_POOLS = {"http": _HttpPool, "https": _HttpsPool}
