"""Copy the database, so that a reader never blocks a run."""

import shutil
from pathlib import Path

import duckdb

from pipelines.common.database import lock_file, opened
from pipelines.common.errors import InputError
from pipelines.common.locks import InUseError, held, writable
from pipelines.common.log import log_step

SCHEMAS = ("marts", "reports")
"""The schemas to explore."""

SUFFIX = ".snapshot"
"""The snapshot's name is the database's name with this suffix. DuckDB derives the name of the
catalog from the part before the first dot, and the views in the file need that name."""


def take(database: Path) -> Path:
    """Copy the database file and return the path of the copy.

    The copy is made under the lock of runs, so it never has half of a run. It replaces the previous
    snapshot atomically, so a reader can keep the previous snapshot open. An unchanged database is
    not copied again. If a run has the database for too long, the previous snapshot is returned,
    with a warning.

    Args:
        database: The DuckDB file.

    Raises:
        InUseError: If another process has the database for too long and there is no snapshot.
        InputError: If there is no database, it has no marts, or the copy cannot be written.
    """
    snapshot = database.with_name(f"{database.name}{SUFFIX}")
    if not database.exists():
        raise InputError(f"There is no database {database}: run `make reports` first.")
    if _is_current(database, snapshot):
        return snapshot
    try:
        with held(lock_file(database), str(database)), opened(database, read_only=True) as source:
            check_marts(source, database)
            _copy(database, snapshot)
    except InUseError as error:
        if not snapshot.exists():
            raise
        log_step(f"{error} The previous snapshot is opened.", "warning")
    return snapshot


def check_marts(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Raise an InputError if the database has not been built."""
    found = connection.execute(
        "select count(distinct table_schema) from information_schema.tables "
        "where table_schema in (select unnest(cast(? as varchar[])))",
        [list(SCHEMAS)],
    ).fetchone()
    if found != (len(SCHEMAS),):
        raise InputError(f"{file} has no marts and reports yet: run `make reports` first.")


def connect(snapshot: Path) -> duckdb.DuckDBPyConnection:
    """Open a snapshot read-only, in UTC, without access to other files or the network."""
    connection = duckdb.connect(str(snapshot), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_external_access = false")
    return connection


def _is_current(database: Path, snapshot: Path) -> bool:
    """Return whether the snapshot has the bytes of the database: its size, time and no WAL."""
    if not snapshot.exists() or _wal(database).exists():
        return False
    now, then = database.stat(), snapshot.stat()
    return (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns)


def _copy(database: Path, snapshot: Path) -> None:
    """Copy the file, and its write-ahead log if a killed process has left one.

    The process holds DuckDB's lock on the database. The lock ends when the process closes any
    handle of that file, so the file is copied last.
    """
    new = snapshot.with_name(f"{snapshot.name}.new")
    with writable(database.parent):
        _wal(new).unlink(missing_ok=True)
        if _wal(database).exists():
            shutil.copy2(_wal(database), _wal(new))
        shutil.copy2(database, new)
        if _wal(new).exists():
            duckdb.connect(str(new)).close()  # writes the log into the copy
        new.replace(snapshot)


def _wal(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")
