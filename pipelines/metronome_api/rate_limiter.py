"""Limit the rate of requests for the whole account, across threads.

dlt has no rate limiter. Packages with a rate limiter count requests per window. They allow the
requests of a whole window at once, and the API cannot pause them.
"""

import threading
import time

CATCH_UP = 1
"""Late requests that may be sent without a wait, so that a late thread costs no throughput."""


class RateLimiter:
    """Space requests evenly."""

    def __init__(self, per_second: float) -> None:
        """Allow `per_second` requests per second."""
        self._interval = 1 / per_second
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def acquire(self) -> float:
        """Reserve the next request. Return the seconds to wait before it."""
        with self._lock:
            now = time.monotonic()
            reserved = max(self._next, now - CATCH_UP * self._interval)
            self._next = reserved + self._interval
        return max(reserved - now, 0.0)

    def pause(self, seconds: float) -> None:
        """Allow no request for some seconds, because the API requires a pause."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)
