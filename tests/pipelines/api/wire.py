"""Connect a client whose waits take no time with a server that sends raw bytes."""

import math
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
from dlt.common.typing import TSecretStrValue

from pipelines.metronome_api.client import MetronomeClient
from pipelines.metronome_api.endpoints import ENDPOINTS, Endpoint
from pipelines.metronome_api.transport import Limits, RequestStats
from sandbox.api.server import HOST
from sandbox.core.records import Record
from tests.pipelines.conftest import TOKEN

PLANS = ENDPOINTS["plans"]


class Clock:
    """Replace the module `time`: time passes without a wait, and the waits are recorded."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Line:
    """A client whose waits take no time.

    Attributes:
        paused: The seconds that it waited each time, before a retry or for its turn.
        meanwhile: Called once, during the first wait.
    """

    client: MetronomeClient
    clock: Clock
    stats: RequestStats
    paused: list[float]
    meanwhile: Callable[[], None] = lambda: None

    def walk(self, endpoint: Endpoint = PLANS, **keys: object) -> list[Record]:
        pages = self.client.walk(endpoint, keys, {}, self.stats)
        return [row for page, _ in pages for row in page]

    def _wait(self, seconds: float) -> bool:
        self.paused.append(seconds)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        self.clock.sleep(seconds)
        return False


Connect = Callable[..., Line]


def connecting(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Return a function that connects to a URL with a client whose waits take no time."""

    def line(url: str, limits: Limits | None = None) -> Line:
        clock = Clock()
        monkeypatch.setattr("pipelines.metronome_api.rate_limiter.time", clock)
        client = MetronomeClient(url, TSecretStrValue(TOKEN), limits or Limits(math.inf))
        made = Line(client, clock, RequestStats(), [])
        monkeypatch.setattr(client.adapter.stopped, "wait", made._wait)
        return made

    return line


Answer = Callable[[socket.socket], None]


@contextmanager
def raw(answer: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a server that writes raw bytes, and the first lines of its requests."""
    asked: list[bytes] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            head = list(iter(self.rfile.readline, b"\r\n"))
            asked.append(head[0].strip())
            answer(self.connection)

    class Server(ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore a client that has closed its connection."""

    with Server((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def head(*headers: str, status: str = "200 OK") -> bytes:
    """Return the first lines of an answer, with the empty one after them."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def reset(line: socket.socket) -> None:
    """Break a connection off, so that the other side gets an error instead of an end."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()
