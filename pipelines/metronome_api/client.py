"""Read the pages of a list with dlt's REST client, with exact numbers."""

import json
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any
from urllib.parse import quote

from dlt.common.jsonpath import find_values
from dlt.common.typing import TSecretStrValue
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    JSONResponseCursorPaginator,
)
from requests import HTTPError, RequestException, Response

from pipelines.common.errors import InputError, printable
from pipelines.metronome_api.endpoints import Endpoint
from pipelines.metronome_api.parsing import parse
from pipelines.metronome_api.transport import (
    ATTEMPTS,
    Call,
    Limits,
    PacedAdapter,
    RequestStats,
    new_session,
)

IDLE_PAGES = 100
"""A list is endless if so many consecutive pages have no new row."""


class UnavailableError(Exception):
    """The token may not read a list, or the list does not exist."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, printable(reason)


class MetronomeClient(RESTClient):
    """Read lists with dlt's REST client. Every number is the decimal that was sent.

    Threads can share a client. They share its rate, and `stop` ends the requests of all of them.
    """

    auth: BearerTokenAuth

    def __init__(self, base_url: str, bearer_token: TSecretStrValue, limits: Limits) -> None:
        """Read the API at `base_url`. The token decides the environment."""
        self.adapter = PacedAdapter(limits)
        super().__init__(
            base_url=base_url, auth=BearerTokenAuth(bearer_token), session=new_session(self.adapter)
        )

    def stop(self, reason: InputError | None = None) -> None:
        """Stop all requests.

        A thread that sends another request raises an error with the first reason.
        """
        self.adapter.reason = self.adapter.reason or reason
        self.adapter.stopped.set()

    def extract_response(self, response: Response, data_selector: Any) -> list[Any]:
        """Return the list of a page.

        Raises:
            ValueError: If it is not a page. An empty page would empty a table.
        """
        if response.is_redirect:
            raise ValueError("it leads to another address: is METRONOME_BASE_URL right?")
        page = parse(response.content)
        data = page.get(data_selector) if isinstance(page, dict) else None
        if not isinstance(data, list | dict):
            raise ValueError(
                f'there is no list "{data_selector}" in it: is METRONOME_BASE_URL right?'
            )
        items = data if isinstance(data, list) else [data]
        if not all(isinstance(item, dict) for item in items):
            raise ValueError(f'not all items are objects in its list "{data_selector}"')
        # the paginator calls response.json(), so it gets the parsed page
        response.json = lambda **_: page  # type: ignore[method-assign]
        return items

    def walk(
        self,
        endpoint: Endpoint,
        keys: Mapping[str, Any],
        params: Mapping[str, Any],
        stats: RequestStats,
    ) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
        """Yield the pages of one list, each with the cursor of the next.

        Args:
            endpoint: The list.
            keys: Values for the placeholders of the path.
            params: Filters. The endpoint's method decides whether they go to the query or the body.
            stats: Counts the requests.

        Raises:
            UnavailableError: On 403, and on an unknown id: 404, or 400 from a contract read.
            InputError: If the API refuses the token or the request, cannot be reached, or answers
                with pages that do not end. The message names the endpoint and the status and
                never the token.
        """
        path = _path(endpoint, keys)
        limit = {"limit": endpoint.limit} if endpoint.limit else {}
        query = limit if endpoint.limit_in_query else {}
        body = None
        if endpoint.method == "GET":
            query = {**params, **query}
        else:
            body = {**params, **({} if endpoint.limit_in_query else limit)}
        progress = _Progress(params.get("next_page"))
        paginator = copy(endpoint.paginator)
        try:
            for page in self.paginate(
                path,
                method=endpoint.method,
                params=query,
                json=body,
                paginator=paginator,
                data_selector=endpoint.data_selector,
                allow_redirects=False,
                call=Call(endpoint.path, stats),
            ):
                cursor = _cursor(paginator, page.response)
                if paginator.has_next_page:
                    progress.check(page, cursor, page.response.content)
                yield list(page), cursor
        except HTTPError as error:
            raise self._refusal(endpoint.method, path, error.response) from None
        except ValueError as error:
            raise InputError(
                f"{endpoint.method} {path} at {self.base_url} did not return a readable page: "
                f"{error}"
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
        # an API can repeat the token, which must reach no error and no table
        message = str(answer.get("message", response.reason)).replace(self.auth.token, "…")[:200]
        said = f"{method} {path} answered {status}: {message}."
        if status == 401:
            return InputError(
                f"{said} The token is wrong or has expired: set METRONOME_BEARER_TOKEN."
            )
        is_unknown = status == 400 and str(answer.get("code")).endswith("NotFound")
        if status in (403, 404) or is_unknown:
            return UnavailableError(status, said)
        if status == 429:
            said += (
                f" It did so {ATTEMPTS} times. Does another program use up the account's limit? "
                "Lower sources.metronome_api.requests_per_second, or run again later. Loaded "
                "rows are kept, and the next run resumes here."
            )
        return InputError(said)


class _Progress:
    """Check that a list ends."""

    def __init__(self, cursor: str | None) -> None:
        self._cursors = {str(cursor)} if cursor else set()
        self._content = 0
        self._idle = 0

    def check(self, page: list[Any], cursor: Any, body: bytes) -> None:
        """Check a page that has a next one.

        Raises:
            ValueError: If the cursor repeats, or many pages had no new row.
        """
        if str(cursor) in self._cursors:
            raise ValueError("its cursor repeats, so its pages would never end")
        self._cursors.add(str(cursor))
        content = hash(body.replace(str(cursor).encode(), b""))
        self._idle = self._idle + 1 if not page or content == self._content else 0
        self._content = content
        if self._idle >= IDLE_PAGES:
            raise ValueError(f"{IDLE_PAGES} pages in a row had no new row, and there are more")


def _path(endpoint: Endpoint, keys: Mapping[str, Any]) -> str:
    """Fill the placeholders of a path. An id is always exactly one segment of the path."""
    for name, value in keys.items():
        if f"{{{name}}}" in endpoint.path and value in (None, "", ".", ".."):
            raise InputError(f"{endpoint.path} cannot be requested: {name} is {value!r}.")
    return endpoint.path.format_map({name: quote(str(keys[name]), safe="") for name in keys})


def _cursor(paginator: BasePaginator, response: Response) -> Any:
    """Return the cursor of the next page, or None."""
    if not isinstance(paginator, JSONResponseCursorPaginator):
        return None
    cursors = find_values(paginator.cursor_path, response.json())
    return cursors[0] or None if cursors else None
