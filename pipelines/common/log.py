"""Print one line per step, with its counts and seconds.

The lines are text. With dlt's setting RUNTIME__LOG_FORMAT=JSON each is a JSON object.
"""

import json
import os
import sys
from datetime import UTC, datetime
from time import monotonic
from typing import Any


class LogLine(str):
    """A line of text with its counts.

    Attributes:
        figures: The counts in the line, by name, for the JSON log.
    """

    figures: dict[str, Any]

    def __new__(cls, text: str, **figures: Any) -> "LogLine":
        """Create a line from its text and figures."""
        line = super().__new__(cls, text)
        line.figures = figures
        return line


class Stopwatch:
    """Measure the seconds of each step."""

    def __init__(self) -> None:
        """Start the clock."""
        self._since = monotonic()

    def seconds(self) -> float:
        """Return the seconds since the start or the last call, rounded to tenths."""
        before, self._since = self._since, monotonic()
        return round(self._since - before, 1)


def is_json_log() -> bool:
    """Return whether lines are printed as JSON objects."""
    return os.environ.get("RUNTIME__LOG_FORMAT", "").upper() == "JSON"


def log_step(text: str, level: str = "info", **figures: Any) -> None:
    """Print a line: errors to the standard error, others to the standard output.

    Args:
        text: A text, or a `LogLine` with its figures.
        level: info, warning or error.
        figures: More counts, by name. Text shows `seconds` only; JSON has all.
    """
    if isinstance(text, LogLine):
        figures = text.figures | figures
    out = sys.stderr if level == "error" else sys.stdout
    if is_json_log():
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "level": level, **figures, "message": text.strip()}
        print(json.dumps(line, ensure_ascii=False), file=out, flush=True)
    else:
        took = f" ({figures['seconds']} s)" if "seconds" in figures else ""
        print(f"{text}{took}", file=out, flush=True)
