"""Run a command as a child that never outlives us, and take over its exit code."""

import signal
import subprocess
from types import FrameType
from typing import Any


def exit_on_signals() -> None:
    """Let SIGTERM and SIGINT raise SystemExit, so that what is open is closed, children first."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    signal.signal(signal.SIGINT, _exit_on_signal)


def run_child(command: list[str], **settings: Any) -> int:
    """Run a command to its end, or to ours.

    Args:
        command: The program and its arguments.
        settings: As `subprocess.Popen` takes them.

    Returns:
        Its exit code, or 128 and the number of the signal that ended it.

    Raises:
        OSError: If it cannot be started.
    """
    child = subprocess.Popen(command, **settings)
    try:
        code = child.wait()
    finally:
        child.terminate()
        child.wait()
    return code if code >= 0 else 128 - code


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
