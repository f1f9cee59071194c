"""Run a command in this process, and kill it (-9) at a given disk operation.

`python -P tests/killed.py <moment> <file> <script …, or -m module …>`. The moment is the number of
an operation on the disk. The process is killed before it. With a `+` after the number, the process
is killed at the next change of the file after it, such as a database's log. At moment 0 nothing is
killed, and the number of operations is written to `<file>.operations`.
"""

import os
import runpy
import signal
import sys
from pathlib import Path
from threading import Thread
from typing import Any

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "shutil.rmtree"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Killer:
    """An audit hook, which Python calls before each operation on the disk."""

    def __init__(self, moment: str, file: Path) -> None:
        self.number = int(moment.removesuffix("+"))
        self.at_change = moment.endswith("+")
        self.file = file
        self.operations = 0

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        """Count operations that change the disk, and kill this process at the moment."""
        if not (event in CHANGES or (event == "open" and given[2] & WRITING)):
            return
        if "__pycache__" in str(given[0]):
            return
        self.operations += 1
        if self.operations == self.number:
            if self.at_change:
                Thread(target=self._die_at_change, daemon=True).start()
            else:
                die()

    def _die_at_change(self) -> None:
        before = self._state()
        while self._state() == before:
            pass
        die()

    def _state(self) -> tuple[int, int] | None:
        try:
            found = self.file.stat()
        except FileNotFoundError:
            return None
        return found.st_size, found.st_mtime_ns


def die() -> None:
    """Kill this process, as a lack of memory or power would."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(moment: str, file: str, *command: str) -> None:
    """Run the command."""
    killer = Killer(moment, Path(file))
    sys.addaudithook(killer)
    try:
        if command[0] == "-m":
            sys.argv = list(command[1:])
            runpy.run_module(command[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = list(command)
            runpy.run_path(command[0], run_name="__main__")
    finally:
        if not killer.number:
            Path(f"{file}.operations").write_text(str(killer.operations))


if __name__ == "__main__":
    main(*sys.argv[1:])
