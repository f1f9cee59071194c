"""Runs a command in this process and kills it (-9) at a moment that is told by its progress.

`python -m tests.killed <moment> <file> <command …>`: the moment is the number of a disk operation of
the command, before which it dies; with a `+` behind it, the next change of the file after that.
Moment 0 never comes: the operations are then listed in the file `<file>.operations`.
"""

import os
import signal
import sys
from importlib.metadata import entry_points
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
        self.operations: list[str] = []

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        """Count what changes the disk."""
        writes = event == "open" and given[2] & WRITING
        if not (writes or event in CHANGES) or "__pycache__" in str(given[0]):
            return
        self.operations.append(f"{event} {given[0]}")
        if len(self.operations) == self.number:
            if self.at_change:
                Thread(target=self._kill_at_change, daemon=True).start()
            else:
                die()

    def _kill_at_change(self) -> None:
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
    """End this process at once, as a lack of memory or of power would."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(moment: str, file: str, command: str, *words: str) -> None:
    """Run a command that some package installs, or a module after `-m`."""
    killer = Killer(moment, Path(file))
    (script,) = entry_points(group="console_scripts", name=command)
    run = script.load()
    sys.argv = [command, *words]
    sys.addaudithook(killer)
    try:
        run()
    finally:
        if killer.number == 0:
            operations = "\n".join(killer.operations)
            Path(f"{file}.operations").write_text(operations)


if __name__ == "__main__":
    main(*sys.argv[1:])
