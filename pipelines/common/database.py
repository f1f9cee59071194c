"""Create and open the DuckDB file. Waits while another process has it open."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlparse

import duckdb

from pipelines.common.errors import InputError
from pipelines.common.locks import InUseError, one_line, retried

STORAGE = "v1.3.0"
"""The oldest DuckDB that reads the file. It has a compression of texts that is a fifth quicker."""

HOLDER = re.compile(r"held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
"""Matches the process that holds the lock in DuckDB's message."""


def connect(file: Path, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the database, which must exist.

    Raises:
        InUseError: If another process has it open.
        InputError: If it does not exist or does not open. The file does not change.
    """
    if not file.exists():
        raise InputError(f"The database {file} does not exist. Load one with `dlt pipeline run`.")
    try:
        return duckdb.connect(str(file), read_only=read_only)
    except duckdb.Error as error:
        raise _refusal(file, str(error)) from error


@contextmanager
def opened(file: Path, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the database and close it at the end. Waits while another process has it.

    Raises:
        InputError: As `connect` does.
    """
    with retried(lambda: connect(file, read_only)) as connection:
        yield connection


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Return whether a schema has a table."""
    found = connection.execute(
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?",
        [schema, table],
    )
    return found.fetchone() != (0,)


def lock_file(file: Path) -> Path:
    """Return the path of the lock file that a run holds, also while the database is closed."""
    return file.with_name(f"{file.name}.lock")


def check_name(setting: str, schemas: set[str]) -> None:
    """Refuse a database that dbt-duckdb cannot use, or that has the name of a schema.

    dbt-duckdb parses the path as a URL, and writes the catalog's name into SQL without escaping it.
    SQL cannot tell a catalog and a schema of the same name apart.

    Args:
        setting: The path of the file as it is set.
        schemas: The schemas in the database.

    Raises:
        InputError: If the path or the name cannot be used.
    """
    catalog = Path(setting).name.lstrip(".").partition(".")[0]
    if catalog.lower() in schemas:
        reason = f"{catalog.lower()} is a schema in it"
    elif "'" in catalog or '"' in catalog:
        reason = "dbt cannot use a name with a quote"
    elif not _is_path(setting):
        reason = "dbt reads it as a URL, because of a character such as # or ?"
    else:
        return
    raise InputError(
        f"The database cannot be called {setting}: {reason}. Name another file: DB=<file> for "
        "make, DESTINATION__DUCKDB__CREDENTIALS for dlt."
    )


@cache
def check_memory_limit(setting: str) -> None:
    """Check that DuckDB can read the memory limit, once in a process.

    Raises:
        InputError: If it cannot.
    """
    try:
        duckdb.connect(config={"memory_limit": setting}).close()
    except duckdb.Error as error:
        raise InputError(
            f"DUCKDB_MEMORY_LIMIT, or MEMORY for make, is {setting!r}. Set an amount such as 8GB."
        ) from error


def _is_path(setting: str) -> bool:
    """Return whether dbt-duckdb, which parses the path as a URL, finds only a path in it."""
    try:
        return urlparse(setting).path == setting
    except ValueError:
        return False


def create(file: Path) -> None:
    """Create an empty database if none exists.

    Renames a finished file, because half a file does not open.
    """
    if not file.exists():
        new = file.with_name(f"{file.name}.new")
        new.unlink(missing_ok=True)
        duckdb.connect(str(new), config={"storage_compatibility_version": STORAGE}).close()
        new.rename(file)


def _refusal(file: Path, message: str) -> InputError:
    if holder := HOLDER.search(message):
        command = _command(holder["pid"]) or holder["program"]
        return InUseError(
            f"{file} is in use by PID {holder['pid']}: {command}. Wait for it, or end it."
        )
    first_line = message.splitlines()[0].removeprefix("IO Error: ")
    if "newer version of DuckDB" in message:
        return InputError(
            f"{file} was written by a newer DuckDB than {duckdb.__version__}. Install the newer "
            "version of this project, or name another database and load again. "
            f"({first_line})"
        )
    return InputError(
        f"{file} does not open: {first_line}. It was not changed. Restore a backup, or move the "
        "file and its .wal away and load again."
    )


def _command(pid: str) -> str:
    """Return the command line of a process, or an empty text if the system does not provide it."""
    try:
        words = Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return ""
    return one_line(words.replace(b"\0", b" ").decode(errors="replace"))
