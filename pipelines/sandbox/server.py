"""The API over HTTP: authentication, checked arguments, cursors; and running it on this machine."""

import json
import socket
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from hmac import compare_digest
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.sandbox.account import PRODUCTION, Account, to_time
from pipelines.sandbox.endpoints import ENDPOINTS, ApiError, Arguments, Endpoint, View
from pipelines.sandbox.export_tables import to_json

TOKEN = "metronome-sandbox"
HOST = "127.0.0.1"


def create_app(account: Account, token: str = TOKEN, environment: str = PRODUCTION) -> Starlette:
    """Build the API of one environment of the account.

    Args:
        account: What to serve.
        token: The only bearer token that is let in.
        environment: PRODUCTION or SANDBOX; the real API tells by the token.
    """
    view = View(account, environment)
    routes = [
        Route(endpoint.path, _route(endpoint, view, token), methods=[endpoint.method])
        for endpoint in ENDPOINTS
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_found})


@contextmanager
def running(account: Account, token: str = TOKEN, environment: str = PRODUCTION) -> Iterator[str]:
    """Serve the account on a free loopback port within a `with` block; gives the base URL."""
    with serving(create_app(account, token, environment)) as url:
        yield url


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an app on a free loopback port within a `with` block; gives the base URL.

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
    """Listen on a loopback port; 0 picks a free one."""
    # asyncio turns off Nagle's delay (40 ms per answer) only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen()
    return listener


def base_url(listener: socket.socket) -> str:
    """The URL under which a listening socket is reached."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def server_config(app: Starlette) -> uvicorn.Config:
    """A quiet server configuration."""
    return uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")


def _route(endpoint: Endpoint, view: View, token: str) -> Any:
    async def respond(request: Request) -> Response:
        try:
            _authorize(request, token)
            return _answer(200, await _result(endpoint, view, request))
        except ApiError as error:
            code = {"code": error.code} if error.code else {}
            return _answer(error.status, {**code, "message": error.message})

    return respond


def _authorize(request: Request, token: str) -> None:
    sent = request.headers.get("authorization", "")
    if not compare_digest(sent.encode(), f"Bearer {token}".encode()):
        raise ApiError(401, "Unauthorized")


async def _result(endpoint: Endpoint, view: View, request: Request) -> dict[str, Any]:
    """Check the request, call the handler and cut its list to the page asked for."""
    query: Arguments = {}
    for name, value in request.query_params.multi_items():
        query[name] = f"{query[name]},{value}" if name in query else value
    body = await _body(request) if request.method == "POST" else {}
    cursor = limit = None
    if endpoint.paging:
        place, name, greatest = endpoint.paging.value
        holder = query if place == "query" else body
        cursor = holder.pop(name, None)
        limit = _limit(holder.pop("limit", None) if greatest else None, greatest, endpoint)
    call = {
        **request.path_params,
        **_checked(query, endpoint.query, "query parameter"),
        **_checked(body, endpoint.body, "body field"),
    }
    result = endpoint.handler(view, call)
    if endpoint.paging is None:
        return {"data": result}
    # A cursor belongs to one list with one set of arguments; it tells where to go on.
    seal = sha256(to_json([request.url.path, str(sorted(call.items()))]).encode()).hexdigest()[:12]
    start = _position(cursor, seal)
    following = _cursor(start + limit, seal) if start + limit < len(result) else None
    return {"data": result[start : start + limit], name: following}


async def _body(request: Request) -> Arguments:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(400, "the body must be a JSON object")
    return body


def _limit(sent: Any, greatest: int, endpoint: Endpoint) -> int:
    if sent is None:
        return endpoint.default_limit or greatest
    if not str(sent).isdecimal() or not 1 <= int(sent) <= greatest:
        raise ApiError(400, f"limit must be a whole number from 1 to {greatest}")
    return int(sent)


def _checked(sent: Arguments, accepted: dict[str, str], what: str) -> Arguments:
    """Convert arguments to their types, refusing unknown and missing ones."""
    for name in sent:
        if name not in accepted:
            raise ApiError(400, f"unknown {what} {name}")
    for name, kind in accepted.items():
        if kind.endswith("!") and name not in sent:
            raise ApiError(400, f"{what} {name} is required")
    return {name: _converted(name, value, accepted[name]) for name, value in sent.items()}


def _converted(name: str, value: Any, kind: str) -> Any:
    kind = kind.removesuffix("!")
    try:
        if kind == "time":
            return to_time(value)
    except (TypeError, ValueError):
        raise ApiError(400, f"{name} must be an RFC 3339 time") from None
    if kind == "flag" and value in (True, False, "true", "false"):
        return value in (True, "true")
    if kind == "ids":
        ids = value.split(",") if isinstance(value, str) else value
        if isinstance(ids, list) and len(ids) <= 100:
            return ids
        raise ApiError(400, f"{name} must be a list of at most 100 ids")
    if kind == "objects" and isinstance(value, list):
        return value
    if (kind == "text" and isinstance(value, str)) or ("|" in kind and value in kind.split("|")):
        return value
    raise ApiError(400, f"{name} is not a valid {kind}")


def _cursor(position: int, seal: str) -> str:
    return urlsafe_b64encode(f"{position}:{seal}".encode()).decode()


def _position(cursor: Any, seal: str) -> int:
    if cursor is None:
        return 0
    try:
        position, _, sent = urlsafe_b64decode(cursor).decode().partition(":")
        if sent == seal:
            return int(position)
    except (TypeError, ValueError):
        pass
    raise ApiError(400, "the cursor is unknown, or was issued for other arguments")


def _answer(status: int, content: dict[str, Any]) -> Response:
    return Response(to_json(content), status, media_type="application/json")


async def _not_found(request: Request, error: Exception) -> Response:
    return _answer(404, {"message": f"No route for {request.method} {request.url.path}"})
