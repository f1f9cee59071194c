"""Run a command as a child process, and end it with this process."""

import signal
import subprocess
from collections.abc import Callable
from types import FrameType
from typing import Any


def exit_on_signals() -> None:
    """Raise SystemExit on SIGTERM and SIGINT, so that children and files are closed."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    signal.signal(signal.SIGINT, _exit_on_signal)


def run_child(
    command: list[str], read_line: Callable[[str], None] | None = None, **settings: Any
) -> int:
    """Run a command, and terminate it if this process ends first.

    Args:
        command: The program and its arguments.
        read_line: Called with each line of the standard output. Needs `stdout=PIPE`.
        settings: Keyword arguments of `subprocess.Popen`.

    Returns:
        The exit code: 128 plus the number of the signal if one ended it.

    Raises:
        OSError: If the command cannot be started.
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
