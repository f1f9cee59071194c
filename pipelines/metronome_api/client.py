"""Transport: authentication, paging and exact numbers. Knows HTTP, knows nothing of tables."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from dlt.common.typing import TSecretStrValue
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    JSONResponseCursorPaginator,
)
from requests import HTTPError, RequestException, Response

from pipelines.columns import AMOUNT_SCALE
from pipelines.errors import InputError
from pipelines.metronome_api.settings import Dialect, Endpoint

PAGINATORS: dict[Dialect, Any] = {
    "query": partial(
        JSONResponseCursorPaginator, cursor_path="next_page", cursor_param="next_page"
    ),
    "body": partial(
        JSONResponseCursorPaginator, cursor_path="next_page", cursor_body_path="next_page"
    ),
    "body_cursor": partial(
        JSONResponseCursorPaginator, cursor_path="cursor", cursor_body_path="cursor"
    ),
}


class MetronomeClient(RESTClient):
    """dlt's REST client, with every number read as the decimal that was sent."""

    def __init__(self, base_url: str, bearer_token: TSecretStrValue) -> None:
        super().__init__(
            base_url=base_url,
            auth=BearerTokenAuth(bearer_token),
            data_selector="data",
        )

    def extract_response(self, response: Response, data_selector: Any) -> list[Any]:
        """Parse a page; a float would lose digits before any column hint could save them.

        Raises:
            ValueError: If it is no page, which taken for an empty one would empty a table, or has a
                number that the tables cannot hold exactly.
        """
        try:
            page = json.loads(response.content, parse_float=_exact)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"it is no JSON ({error}): is METRONOME_BASE_URL right?") from error
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise ValueError('there is no list "data" in it: is METRONOME_BASE_URL right?')
        response.json = lambda **_: page  # type: ignore[method-assign]
        return super().extract_response(response, data_selector)

    def walk(
        self, endpoint: Endpoint, request: Mapping[str, Any], customer_id: str | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of one list, each a list of the API's objects.

        Raises:
            InputError: If the API refuses the request or cannot be reached; the message names the
                endpoint and the status and never the token.
        """
        path = endpoint.path.format(customer_id=customer_id)
        sent = dict(request)
        if customer_id and path == endpoint.path:
            sent["customer_id"] = customer_id
        params: dict[str, Any] = {}
        body: dict[str, Any] | None = None
        if endpoint.method == "GET":
            params = sent
        else:
            body = sent
        if endpoint.limit:
            target = params if endpoint.dialect == "query" else body
            assert target is not None
            target["limit"] = endpoint.limit
        paginator: BasePaginator = PAGINATORS[endpoint.dialect]()
        try:
            for page in self.paginate(
                path, method=endpoint.method, params=params, json=body, paginator=paginator
            ):
                yield list(page)
        except HTTPError as error:
            status = error.response.status_code
            hint = (
                "the token is wrong or may not read this"
                if status in (401, 403)
                else error.response.text[:200]
            )
            raise InputError(f"{endpoint.method} {path} answered {status}: {hint}.") from None
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


def _exact(number: str) -> Decimal:
    exact = Decimal(number)
    if exact.normalize().as_tuple().exponent < -AMOUNT_SCALE:
        raise ValueError(f"the number {number} has more than {AMOUNT_SCALE} decimals")
    return exact
