"""Inject the faults of networks, gateways and rate limits into responses."""

import asyncio
import math
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.api.fault_options import Faults

ERRORS = (500, 408, 502, 409, 503)
"""The statuses of error responses, in turn."""

BURST_SECONDS = 0.25
"""The time for which an idle client accumulates requests. It can always send one."""

DRIPS, DRIP_SECONDS = 20, 0.05
"""The number of pieces of a dripping body, and the seconds before each."""


class FaultyApi:
    """An ASGI app with faults in front of it.

    Attributes:
        counts: Requests so far by outcome: `requests` (all), `limited` (429),
            `gone`, `errors`, `drop`, `truncate`, `drip`, and `served` (answered whole).
    """

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Put `faults` in front of `app`. `clock` and `sleep` use seconds."""
        self.counts: Counter[str] = Counter()
        self._app, self._faults, self._sleep = app, faults, sleep
        self._bucket = _Bucket(faults.rate_limit, clock) if faults.rate_limit else None
        self._gone = path_pattern(faults.gone)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with its faults."""
        self.counts["requests"] += 1
        number = self.counts["requests"]
        if self._faults.latency:
            await self._sleep(self._faults.latency / 1000)
        if self._bucket and (wait := self._bucket.take()):
            self.counts["limited"] += 1
            await self._limited(wait)(scope, receive, send)
        elif self._gone.fullmatch(scope["path"]):
            self.counts["gone"] += 1
            await JSONResponse({"message": "Not found"}, 404)(scope, receive, send)
        elif self._hits("errors", number):
            status = ERRORS[self.counts["errors"] % len(ERRORS)]
            self.counts["errors"] += 1
            await JSONResponse({"message": f"Injected {status}"}, status)(scope, receive, send)
        elif self._hits("drop", number):
            self.counts["drop"] += 1
            await _close(receive, send)
        elif self._hits("truncate", number):
            self.counts["truncate"] += 1
            await self._app(scope, receive, _truncating(send))
            await _close(receive, send)
        elif self._hits("drip", number):
            self.counts["drip"] += 1
            await self._app(scope, receive, self._dripping(send))
        else:
            self.counts["served"] += 1
            await self._app(scope, receive, send)

    def _hits(self, fault: str, number: int) -> bool:
        share = getattr(self._faults, fault)
        return share > 0 and random.Random(f"{self._faults.seed}:{fault}:{number}").random() < share

    def _limited(self, wait: float) -> JSONResponse:
        headers = {"X-Metronome-Rate-Limit-Type": self._faults.rate_limit_type}
        seconds = math.ceil(wait)
        if self._faults.retry_after == "seconds":
            headers["Retry-After"] = str(seconds)
        if self._faults.retry_after == "date":
            moment = datetime.now(UTC) + timedelta(seconds=seconds)
            headers["Retry-After"] = format_datetime(moment, usegmt=True)
        return JSONResponse({"message": "Too many requests"}, 429, headers)

    def _dripping(self, send: Send) -> Send:
        async def slow(message: Message) -> None:
            body = message.get("body", b"")
            size = math.ceil(len(body) / DRIPS) or 1
            for start in range(0, len(body), size):
                await self._sleep(DRIP_SECONDS)
                piece = body[start : start + size]
                await send({"type": message["type"], "body": piece, "more_body": True})
            await send({**message, "body": b""} if body else message)

        return slow


class _Bucket:
    """A token bucket that fills with `rate` tokens per second."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate, self._clock = rate, clock
        self._most = max(1.0, rate * BURST_SECONDS)
        self._tokens, self._at = self._most, clock()

    def take(self) -> float:
        """Take one request from the rate limit. Return the seconds to wait, or 0."""
        at = self._clock()
        self._tokens = min(self._most, self._tokens + (at - self._at) * self._rate)
        self._at = at
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0


def path_pattern(paths: Iterable[str]) -> re.Pattern[str]:
    """Compile paths such as `/v1/customers/{customer_id}/invoices` or `/v1/*` to a pattern."""
    choices = (
        re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)).replace(r"\*", ".*") for path in paths
    )
    return re.compile("|".join(choices) or "(?!)")


def _truncating(send: Send) -> Send:
    """Wrap `send` so that it sends half of a body after announcing all of it."""

    async def half(message: Message) -> None:
        if body := message.get("body"):
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return half


async def _close(receive: Receive, send: Send) -> None:
    """Close the connection through uvicorn's `send`, because ASGI cannot close it."""
    send.__self__.transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
