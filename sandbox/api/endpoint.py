"""The declaration of an endpoint: how it is called, and the function that answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.api.arguments import Accepted, Arguments
from sandbox.api.paging import QUERY, Paging
from sandbox.api.view import View
from sandbox.core.records import Record


@dataclass(frozen=True)
class Endpoint:
    """How one endpoint is called.

    Attributes:
        method, path: HTTP method, and path with `{name}` for its parameters (all are ids).
        handler: Gives the records (a list is paged) from the view and the checked arguments.
        paging: None for a single object, or a list that comes whole.
        query, body: Accepted arguments besides cursor and limit.
        fits: Given the arguments and rows, how many of these at most make one page.
        key: The name of the records in the answer.
    """

    method: str
    path: str
    handler: Callable[[View, Arguments], Any]
    paging: Paging | None = QUERY
    query: Accepted = field(default_factory=dict)
    body: Accepted = field(default_factory=dict)
    fits: Callable[[Arguments, list[Record]], int] | None = None
    key: str = "data"
