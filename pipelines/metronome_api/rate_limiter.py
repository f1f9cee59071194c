"""Limit the rate of requests for the whole account, across threads.

dlt has no rate limiter. Packages that have one count requests per window: they allow the requests
of a whole window at once, and the API cannot make them pause.
"""

import threading
import time

CATCH_UP = 1
"""Requests that may be sent late without a wait: a late thread costs no throughput or burst."""


class RateLimiter:
    """Spaces requests evenly."""

    def __init__(self, per_second: float) -> None:
        """Allow `per_second` requests per second."""
        self._interval = 1 / per_second
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def acquire(self) -> float:
        """Reserve the next request. Returns the seconds that the caller has to wait for it."""
        with self._lock:
            now = time.monotonic()
            reserved = max(self._next, now - CATCH_UP * self._interval)
            self._next = reserved + self._interval
        return max(reserved - now, 0.0)

    def pause(self, seconds: float) -> None:
        """Allow no request for some seconds, because the API asked all clients to wait."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)
