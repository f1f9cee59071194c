"""Open the database file: wait while another process has it, and explain why it does not open."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.errors import InputError
from pipelines.locks import InUseError, one_line, patiently

HOLDER = re.compile(r"held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
"""The holder of the lock in DuckDB's message."""


def connect(file: Path, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the database, which must exist.

    Raises:
        InUseError: If another process has it.
        InputError: If it does not exist or does not open. It is not changed.
    """
    if not file.exists():
        raise InputError(f"There is no database {file}: load one with `dlt pipeline run`.")
    try:
        return duckdb.connect(str(file), read_only=read_only)
    except duckdb.Error as error:
        raise _told_plainly(file, str(error)) from error


@contextmanager
def opened(file: Path, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the database and close it at the end. Waits while another process has it.

    Raises:
        InputError: As `connect` does.
    """
    with patiently(lambda: connect(file, read_only)) as connection:
        yield connection


def lock_file(file: Path) -> Path:
    """Return the lock file that a run holds on a database, also while the database is closed."""
    return file.with_name(f"{file.name}.lock")


def check_name(file: Path, schemas: set[str]) -> None:
    """Refuse a database whose catalog has the name of a schema: such names are ambiguous.

    Raises:
        InputError: If the file has such a name.
    """
    catalog = file.name.partition(".")[0]
    if catalog.lower() in schemas:
        raise InputError(
            f"The database cannot be called {file.name}: {catalog.lower()} is a schema in it. "
            "Name another file: DB=<file> for make, else DESTINATION__DUCKDB__CREDENTIALS."
        )


def create(file: Path) -> None:
    """Create an empty database if there is none, atomically: half of one would not open."""
    if not file.exists():
        new = file.with_name(f"{file.name}.new")
        new.unlink(missing_ok=True)
        duckdb.connect(str(new)).close()
        new.rename(file)


def _told_plainly(file: Path, message: str) -> InputError:
    if holder := HOLDER.search(message):
        command = _command(holder["pid"]) or holder["program"]
        return InUseError(
            f"{file} is in use by PID {holder['pid']}: {command}. Wait until that ends, or end it."
        )
    first_line = message.splitlines()[0].removeprefix("IO Error: ")
    if "newer version of DuckDB" in message:
        return InputError(
            f"{file} was made by a newer DuckDB than this one, {duckdb.__version__}: install "
            "that one's version of this project, or name another database and load again. "
            f"({first_line})"
        )
    return InputError(
        f"{file} does not open, and was left as it is: {first_line}. Put a backup in its place, or "
        "move it away with its .wal, if there is one, and load again."
    )


def _command(pid: str) -> str:
    """Return the command line of a process, or nothing where the system does not provide it."""
    try:
        words = Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return ""
    return one_line(words.replace(b"\0", b" ").decode(errors="replace"))
