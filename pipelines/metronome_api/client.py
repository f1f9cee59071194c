"""Transport: authentication, pace, retries, paging and exact numbers. Knows nothing of tables."""

import json
import threading
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from dlt.common.typing import TSecretStrValue
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    JSONResponseCursorPaginator,
    SinglePagePaginator,
)
from requests import HTTPError, PreparedRequest, RequestException, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError, ContentDecodingError, Timeout
from requests.exceptions import ConnectionError as BrokenConnectionError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from pipelines.columns import AMOUNT_PRECISION, AMOUNT_SCALE
from pipelines.errors import InputError
from pipelines.metronome_api.endpoints import Endpoint, Paging
from pipelines.metronome_api.pace import Pace

ATTEMPTS = 8
LONGEST_PAUSE = 60.0
"""Seconds that one pause lasts at most, whatever the API asks for."""

TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for the next byte."""

_FINEST = Decimal(1).scaleb(-AMOUNT_SCALE)
_CONTEXT = Context(prec=AMOUNT_PRECISION, rounding=ROUND_HALF_EVEN)

_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)


class UnavailableError(Exception):
    """The API does not let this be read, or does not know it; what it would say is unknown."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class StoppedError(Exception):
    """Another thread met an error that ends the run."""


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
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=limits.requests_in_flight)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def send(  # type: ignore[override]
        self, request: PreparedRequest, *, endpoint: str, tally: Tally, **settings: Any
    ) -> Response:
        """Send a request when its turn comes; repeat it after 408, 409, 429, 5xx and broken lines.

        Raises:
            requests.RequestException: If it failed for good, or the last attempt failed.
            StoppedError: If the run is over.
        """
        paces = [self._paces[endpoint]] if endpoint in self._paces else []

        def wait_for_turn(state: RetryCallState) -> None:
            for pace in [*paces, self._pace]:
                tally.waited_seconds += pace.wait()
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
            tally.waited_seconds += seconds
            return seconds

        attempts = Retrying(
            before=wait_for_turn,
            retry=retry_if_exception(_may_succeed),
            wait=pause,
            sleep=lambda seconds: self.stopped.wait(seconds),
            stop=stop_after_attempt(ATTEMPTS),
            reraise=True,
        )
        settings |= {"timeout": TIMEOUT, "allow_redirects": False}
        return attempts(self._send, request, **settings)

    def _send(self, request: PreparedRequest, **settings: Any) -> Response:
        with self._in_flight:
            return super().send(request, **settings)


class MetronomeClient(RESTClient):
    """dlt's REST client, with every number read as the decimal that was sent.

    May be used by many threads: they share the pace, and `stop` ends the requests of all of them.
    """

    session: PacedSession
    auth: BearerTokenAuth

    def __init__(self, base_url: str, bearer_token: TSecretStrValue, limits: Limits) -> None:
        """Read the API at `base_url`; the token decides the environment."""
        super().__init__(
            base_url=base_url, auth=BearerTokenAuth(bearer_token), session=PacedSession(limits)
        )

    def stop(self, reason: InputError | None = None) -> None:
        """Let no thread send another request; those that would are told the first reason."""
        self.session.reason = self.session.reason or reason
        self.session.stopped.set()

    def extract_response(self, response: Response, data_selector: Any) -> list[Any]:
        """Parse a page; a float would lose digits before any column hint could save them.

        Raises:
            ValueError: If it is no page, which taken for an empty one would empty a table.
        """
        if response.is_redirect:
            raise ValueError("it leads to another address: is METRONOME_BASE_URL right?")
        try:
            page = json.loads(response.content, parse_float=_exact, parse_constant=_refused)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"it is no JSON ({error}): is METRONOME_BASE_URL right?") from error
        data = page.get(data_selector) if isinstance(page, dict) else None
        if not isinstance(data, list | dict):
            raise ValueError(
                f'there is no list "{data_selector}" in it: is METRONOME_BASE_URL right?'
            )
        response.json = lambda **_: page  # type: ignore[method-assign]
        return data if isinstance(data, list) else [data]

    def walk(
        self,
        endpoint: Endpoint,
        keys: Mapping[str, Any],
        request: Mapping[str, Any],
        tally: Tally,
    ) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
        """Yield the pages of one list, each with the cursor of the next.

        Args:
            endpoint: The list.
            keys: What fills the path's placeholders.
            request: The filters, for the query or the body as the endpoint takes them.
            tally: Is added to.

        Raises:
            UnavailableError: On 403, and on an unknown id: 404, or 400 from a contract read.
            InputError: If the API refuses the token or the request, or cannot be reached; the
                message names the endpoint and the status and never the token.
        """
        path = endpoint.path.format_map(keys)
        in_query = endpoint.method == "GET" or endpoint.paging.in_query
        params = dict(request) if endpoint.method == "GET" else {}
        body = None if endpoint.method == "GET" else dict(request)
        if endpoint.limit:
            (params if in_query or body is None else body)["limit"] = endpoint.limit
        try:
            for page in self.paginate(
                path,
                method=endpoint.method,
                params=params,
                json=body,
                paginator=copy(_PAGINATORS[endpoint.paging]),
                data_selector=endpoint.data,
                endpoint=endpoint.path,
                tally=tally,
            ):
                yield list(page), getattr(page.paginator, "_next_reference", None)
        except HTTPError as error:
            raise self._refusal(endpoint.method, path, error.response) from None
        except ValueError as error:
            raise InputError(
                f"{endpoint.method} {path} at {self.base_url} answered with no page of a list "
                f"that can be read: {error}"
            ) from error
        except RequestException as error:
            raise InputError(
                f"{endpoint.method} {path} at {self.base_url} failed: {type(error).__name__}. "
                "Check METRONOME_BASE_URL and the network."
            ) from error

    def _refusal(self, method: str, path: str, response: Response) -> Exception:
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            answer = {}
        status = response.status_code
        # an API that repeats the token must not bring it into an error or a table
        message = str(answer.get("message", response.reason)).replace(self.auth.token, "…")[:200]
        said = f"{method} {path} answered {status}: {message}."
        if status == 401:
            return InputError(
                f"{said} The token is wrong or has expired: set METRONOME_BEARER_TOKEN."
            )
        is_unknown = status == 400 and str(answer.get("code")).endswith("NotFound")
        if status in (403, 404) or is_unknown:
            return UnavailableError(status, said)
        return InputError(said)


def _paginator(paging: Paging) -> BasePaginator:
    if paging is Paging.ONE_PAGE:
        return SinglePagePaginator()
    _, name, path, *_ = paging.value
    return JSONResponseCursorPaginator(
        cursor_path=path,
        cursor_param=name if paging.in_query else None,
        cursor_body_path=None if paging.in_query else name,
        stop_after_empty_page=paging is Paging.ENDLESS,
    )


_PAGINATORS = {paging: _paginator(paging) for paging in Paging}
"""One of each to copy: to make one costs more than to send a request."""


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
    except InvalidHeader:
        return None


def _exact(number: str) -> Decimal:
    """The number that was sent, to the 18th decimal: what is finer is the dust of doubles."""
    exact = Decimal(number)
    if exact.as_tuple().exponent < -AMOUNT_SCALE:
        try:
            return exact.quantize(_FINEST, context=_CONTEXT)
        except InvalidOperation:
            raise ValueError(
                f"the number {number} has more than {AMOUNT_PRECISION} digits"
            ) from None
    return exact


def _refused(constant: str) -> Decimal:
    raise ValueError(f"{constant} is no number")
