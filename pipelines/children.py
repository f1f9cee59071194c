"""Run a command as a child process that never outlives this one."""

import signal
import subprocess
from collections.abc import Callable
from types import FrameType
from typing import Any


def exit_on_signals() -> None:
    """Let SIGTERM and SIGINT raise SystemExit, so that what is open is closed, children first."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    signal.signal(signal.SIGINT, _exit_on_signal)


def run_child(
    command: list[str], read_line: Callable[[str], None] | None = None, **settings: Any
) -> int:
    """Run a command to its end, or to ours.

    Args:
        command: The program and its arguments.
        read_line: Called with each line of its standard output, which must be a pipe then.
        settings: As `subprocess.Popen` takes them.

    Returns:
        Its exit code, or 128 and the number of the signal that ended it.

    Raises:
        OSError: If it cannot be started.
    """
    child = subprocess.Popen(command, **settings)
    try:
        for line in child.stdout if read_line and child.stdout else ():
            read_line(line)
        code = child.wait()
    finally:
        child.terminate()
        child.wait()
    return code if code >= 0 else 128 - code


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
