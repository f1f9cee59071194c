"""Serve the API over HTTP on this machine: authentication, arguments, pages."""

import json
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hmac import compare_digest
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.api.arguments import ApiError, Arguments, checked, checked_query
from sandbox.api.endpoint import Endpoint
from sandbox.api.endpoints import ENDPOINTS
from sandbox.api.faults import path_pattern
from sandbox.api.paging import LOG, limit_of, log_page, page, seal_of
from sandbox.api.view import View
from sandbox.core.account import Account
from sandbox.core.records import PRODUCTION, Record, to_json

TOKEN = "metronome-sandbox"
HOST = "127.0.0.1"


def create_app(
    account: Account,
    token: str = TOKEN,
    environment: str = PRODUCTION,
    forbid: Iterable[str] = (),
    contracts_cursor: bool = True,
) -> Starlette:
    """Build the API of one environment of the account.

    Args:
        account: The account to serve.
        token: The only bearer token that is accepted.
        environment: PRODUCTION or SANDBOX. The real API derives it from the token.
        forbid: Paths that the token may not read (403), see `path_pattern`.
        contracts_cursor: Whether lists of contracts have pages, as since October 2026.
    """
    view = View(account, environment)
    forbidden = path_pattern(forbid)
    routes = [
        Route(endpoint.path, _route(endpoint, view, token, forbidden), methods=[endpoint.method])
        for endpoint in (ENDPOINTS if contracts_cursor else map(_without_cursor, ENDPOINTS))
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_found})


def _without_cursor(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint as it was before lists of contracts had pages."""
    return replace(endpoint, paging=None) if endpoint.path == "/v2/contracts/list" else endpoint


@contextmanager
def running(
    account: Account, token: str = TOKEN, environment: str = PRODUCTION, **options: Any
) -> Iterator[str]:
    """Serve the account on a free loopback port within a `with` block. Yields the base URL.

    The options are those of `create_app`.
    """
    with serving(create_app(account, token, environment, **options)) as url:
        yield url


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an app on a free loopback port within a `with` block. Yields the base URL.

    The socket listens before the server starts, so the first request can be sent at once.
    """
    listener = listen(0)
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield base_url(listener)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def listen(port: int) -> socket.socket:
    """Listen on a loopback port. 0 picks a free one."""
    # asyncio turns off Nagle's delay (40 ms per response) only if the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen()
    return listener


def base_url(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def server_config(app: Starlette) -> uvicorn.Config:
    """Configure a quiet server. It does not close the connection of a client that is slow."""
    quiet = {"log_level": "warning", "access_log": False}
    return uvicorn.Config(app, lifespan="off", timeout_keep_alive=300, **quiet)


def _route(endpoint: Endpoint, view: View, token: str, forbidden: re.Pattern[str]) -> Any:
    async def respond(request: Request) -> Response:
        try:
            _authorize(request, token, forbidden)
            return _answer(200, await _result(endpoint, view, request))
        except ApiError as error:
            code = {"code": error.code} if error.code else {}
            return _answer(error.status, {**code, "message": error.message})

    return respond


def _authorize(request: Request, token: str, forbidden: re.Pattern[str]) -> None:
    sent = request.headers.get("authorization", "")
    if not compare_digest(sent.encode(), f"Bearer {token}".encode()):
        raise ApiError(401, "Unauthorized")
    if forbidden.fullmatch(request.url.path):
        raise ApiError(403, "Forbidden: the token has no access to this endpoint")


async def _result(endpoint: Endpoint, view: View, request: Request) -> Record:
    """Check the request, call the handler and cut its list to the requested page."""
    query: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        query[name] = f"{query[name]},{value}" if name in query else value
    body = await _body(request) if request.method == "POST" else {}
    paging, cursor, limit = endpoint.paging, None, 0
    if paging:
        holder = query if paging.place == "query" else body
        cursor = holder.pop(paging.cursor, None)
        limit = limit_of(paging, holder.pop("limit", None) if paging.greatest else None)
    call = {
        **checked(request.path_params, dict.fromkeys(request.path_params, "id"), "path parameter"),
        **checked_query(query, endpoint.query),
        **checked(body, endpoint.body, "body field"),
    }
    if paging is None:
        return {endpoint.key: endpoint.handler(view, call)}
    if paging is LOG:
        seal = seal_of(request.url.path, *map(call.get, ("sort", "resource_type", "resource_id")))
        entries = endpoint.handler(view, call)
        return log_page(entries, call, limit, cursor, seal)
    rows = view.recall(endpoint.handler, call)
    seal = seal_of(request.url.path, sorted(call.items()), view.now)
    fits = partial(endpoint.fits, call) if endpoint.fits else len
    return page(rows, paging, limit, cursor, seal, fits)


async def _body(request: Request) -> Arguments:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(400, "the body must be a JSON object")
    return body


def _answer(status: int, content: dict[str, Any]) -> Response:
    return Response(to_json(content), status, media_type="application/json")


async def _not_found(request: Request, error: Exception) -> Response:
    return _answer(404, {"message": f"No route for {request.method} {request.url.path}"})
