"""Lock a database or folder, so that one run at a time changes it. Waits have a limit."""

import fcntl
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pipelines.common.errors import InputError
from pipelines.common.log import log_step
from pipelines.common.settings import lock_wait_seconds

INTERVAL = 0.2
"""Seconds between two attempts."""

Taken = TypeVar("Taken")


class InUseError(InputError):
    """Another process has the database or folder. The message names the process."""


def retried(take: Callable[[], Taken]) -> Taken:
    """Call a function until it raises no InUseError, and return its result.

    Raises:
        InUseError: If another process still has the file after LOCK_WAIT_SECONDS.
    """
    seconds = lock_wait_seconds()
    deadline = time.monotonic() + seconds
    is_logged = False
    while True:
        try:
            return take()
        except InUseError as error:
            if time.monotonic() >= deadline:
                raise
            if not is_logged:
                log_step(f"{error} Waiting for at most {seconds} s.", "warning")
                is_logged = True
        time.sleep(INTERVAL)


@contextmanager
def held(file: Path, what: str) -> Iterator[int]:
    """Hold a lock file. Creates it if needed, and waits while another run holds it.

    Args:
        file: The lock file. Its content is the process id and command of the run that holds it.
        what: The database or folder that it guards, for messages.

    Yields:
        The open file. A process that inherits it keeps the lock after this process ends.

    Raises:
        InUseError: If the other run takes too long.
        InputError: If the file cannot be written.
    """
    with writable(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        retried(lambda: _take(lock, what))
        with writable(file.parent):
            os.truncate(lock, 0)
            os.pwrite(lock, f"PID {os.getpid()}: {one_line(shlex.join(sys.orig_argv))}".encode(), 0)
        yield lock
    finally:
        os.close(lock)


def one_line(command: str) -> str:
    """Shorten a command for a message: 300 characters, without line breaks."""
    return " ".join(command.split())[:300]


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Re-raise an OSError as an InputError that names the folder."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written to: {error.strerror}. Fix that, or name another folder."
        ) from error


def _take(lock: int, what: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 1000, 0).decode(errors="replace")
        raise InUseError(
            f"{what} is in use by {holder or 'another run'}. Wait for it, or end it."
        ) from None
