"""The pace of requests, one for the whole account, whoever asks and from whichever thread.

Our own, because what there is to install counts requests per window, which lets the window's whole
allowance out at once, and cannot be told by the API to pause.
"""

import threading
import time

CATCH_UP = 1
"""How many turns may be made up for after a delay: a thread that wakes late costs no throughput,
and no burst is sent."""


class Pace:
    """Gives out turns, evenly spaced."""

    def __init__(self, per_second: float) -> None:
        """Pace requests.

        Args:
            per_second: Turns per second.
        """
        self._interval = 1 / per_second
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def turn(self) -> float:
        """Take the next turn; gives the seconds until it comes, which are the caller's to wait."""
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now - CATCH_UP * self._interval)
            self._next = turn + self._interval
        return max(turn - now, 0.0)

    def pause(self, seconds: float) -> None:
        """Give out no turn for a while: the API asked everybody to wait."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)
