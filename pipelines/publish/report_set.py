"""Publish one set of reports and pages into the folder that readers open, in one step.

    customer_summary.csv -> .current/customer_summary.csv
    .current             -> .sets/a
    .sets/a, .sets/b     the published set, and the previous or the next set

The names are links, because no portable step renames a full folder over another. Renaming the link
`.current` is the swap. Before it, every name leads to the old set. After it, every name leads to
the new set.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.common.locks import held, writable

CURRENT = ".current"
LOCK = ".lock"
NEXT = ".next"
SETS = Path(".sets")
MANIFEST = "run.json"


class ReportsFolder:
    """A folder of published reports that one run holds at a time.

    Attributes:
        path: The folder.
        lock: The open lock file. A process that inherits it keeps the lock.
        new_set: An empty folder for the next set, on the same disk.
    """

    def __init__(self, path: Path, lock: int) -> None:
        """Make an empty folder for the next set. Removes files that an earlier run left there.

        Raises:
            OSError: If the folder does not allow a swap. A run fails here, before its work.
        """
        self.path, self.lock = path, lock
        current = path / CURRENT
        is_a = current.is_symlink() and current.readlink() == SETS / "a"
        slot = SETS / ("b" if is_a else "a")
        self.new_set = path / slot
        if self.new_set.exists():
            shutil.rmtree(self.new_set)
        self.new_set.mkdir(parents=True)
        _link(path / NEXT, slot)

    def swap(self) -> None:
        """Publish the new set.

        Raises:
            OSError: If the disk cannot be written to. The old set stays.
        """
        names = sorted(file.name for file in self.new_set.iterdir())
        for file in (*self.new_set.rglob("*"), self.new_set):
            _flush(file)
        (self.path / NEXT).replace(self.path / CURRENT)
        for name in names:
            target = Path(CURRENT) / name
            link = self.path / name
            if not link.is_symlink() or link.readlink() != target:
                _link(self.path / NEXT, target)
                (self.path / NEXT).replace(link)
        for link in self.path.iterdir():
            if link.is_symlink() and link.readlink().parent == Path(CURRENT) and not link.exists():
                link.unlink()
        _flush(self.path)


@contextmanager
def reports_folder(path: Path) -> Iterator[ReportsFolder]:
    """Create the folder if needed, and lock it. Waits while another run has it.

    Raises:
        InputError: If the folder cannot be written to, or the other run takes too long.
    """
    with held(path / LOCK, str(path)) as lock:
        with writable(path):
            folder = ReportsFolder(path, lock)
        yield folder


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _flush(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
