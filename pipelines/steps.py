"""What a run says: a line for each step, with its counts and its seconds.

It is for a person. RUNTIME__LOG_FORMAT=JSON, which is dlt's own setting, makes it a JSON object.
"""

import json
import os
import sys
from datetime import UTC, datetime
from time import monotonic
from typing import Any


class Line(str):
    """A line for a person, and the same in figures.

    Attributes:
        figures: What it counts, by name.
    """

    figures: dict[str, Any]

    def __new__(cls, text: str, **figures: Any) -> "Line":
        """Make one of its text and its figures."""
        line = super().__new__(cls, text)
        line.figures = figures
        return line


class Clock:
    """Tells the seconds since it was made or last asked."""

    def __init__(self) -> None:
        """Begin now."""
        self._since = monotonic()

    def seconds(self) -> float:
        """How long the step took that ends now."""
        before, self._since = self._since, monotonic()
        return round(self._since - before, 1)


def as_json() -> bool:
    """Whether lines are for a machine."""
    return os.environ.get("RUNTIME__LOG_FORMAT", "").upper() == "JSON"


def say(text: str, level: str = "info", **figures: Any) -> None:
    """Print a line: what went well on the standard output, errors on the standard error.

    Args:
        text: A text, or a `Line`, which brings its figures.
        level: info, warning or error.
        figures: What else it counts, by name.
    """
    if isinstance(text, Line):
        figures = text.figures | figures
    out = sys.stderr if level == "error" else sys.stdout
    if as_json():
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "level": level, **figures, "message": text.strip()}
        print(json.dumps(line, ensure_ascii=False), file=out, flush=True)
    else:
        took = f" ({figures['seconds']} s)" if "seconds" in figures else ""
        print(f"{text}{took}", file=out, flush=True)
