"""Declare an endpoint: its request, and the function that answers it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.api.arguments import Accepted, Arguments
from sandbox.api.paging import QUERY, Paging
from sandbox.api.view import View
from sandbox.core.records import Record


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the API.

    Attributes:
        method, path: HTTP method, and path with `{name}` for its parameters (all are ids).
        handler: Returns the records from the view and the checked arguments. A list is paged.
        paging: None for a single object, or for a list without pages.
        query, body: Accepted arguments besides cursor and limit.
        fits: Returns the most rows of a page, given the arguments and rows.
        key: The name of the records in the response.
    """

    method: str
    path: str
    handler: Callable[[View, Arguments], Any]
    paging: Paging | None = QUERY
    query: Accepted = field(default_factory=dict)
    body: Accepted = field(default_factory=dict)
    fits: Callable[[Arguments, list[Record]], int] | None = None
    key: str = "data"
