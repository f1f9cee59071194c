"""One run at a time: what another process has is waited for, for a bounded time, and then left."""

import fcntl
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pipelines.errors import InputError
from pipelines.settings import lock_wait_seconds
from pipelines.steps import say

INTERVAL = 0.2
"""Seconds between two looks at what is waited for."""

Taken = TypeVar("Taken")


class InUseError(InputError):
    """Another process has what is needed; its message names the process."""


def patiently(take: Callable[[], Taken]) -> Taken:
    """What a call gives, which is made until nobody else has what it needs.

    Raises:
        InUseError: If somebody still has it when the time of the setting is over.
    """
    seconds = lock_wait_seconds()
    deadline = time.monotonic() + seconds
    is_told = False
    while True:
        try:
            return take()
        except InUseError as error:
            if time.monotonic() >= deadline:
                raise
            if not is_told:
                say(f"{error} Waiting for at most {seconds} s.", "warning")
                is_told = True
        time.sleep(INTERVAL)


@contextmanager
def held(file: Path, what: str) -> Iterator[int]:
    """Hold a lock file, which is made and stays; another run that holds it is waited for.

    Args:
        file: It holds who has it: process id and command.
        what: What it guards, for a person.

    Yields:
        The open file. A process that inherits it keeps the lock, whatever becomes of this one.

    Raises:
        InUseError: If the other run took too long.
        InputError: If the file cannot be written.
    """
    with writable(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        patiently(lambda: _take(lock, what))
        with writable(file.parent):
            os.truncate(lock, 0)
            os.pwrite(lock, f"PID {os.getpid()}: {one_line(shlex.join(sys.orig_argv))}".encode(), 0)
        yield lock
    finally:
        os.close(lock)


def one_line(command: str) -> str:
    """A command as part of a message: its beginning, without line breaks."""
    return " ".join(command.split())[:300]


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Within it, a folder that cannot be written to is an InputError that says so."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written to: {error.strerror}. Change that, or name another folder."
        ) from error


def _take(lock: int, what: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 1000, 0).decode(errors="replace")
        raise InUseError(
            f"{what} is in use by {holder or 'another run'}. Wait until that ends, or end it."
        ) from None
