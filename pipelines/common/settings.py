"""Read the settings that dlt, dbt and `doctor` share: sources, database and limits."""

import os
from pathlib import Path
from typing import Any

from pipelines.common.errors import InputError
from pipelines.common.last_used import DATABASE

MEMORY_LIMIT = "4GB"
"""Memory limit of DuckDB if DUCKDB_MEMORY_LIMIT is not set. dbt's profile has the same value."""

BASE_URL = "https://api.metronome.com"
"""Address of the API if neither METRONOME_BASE_URL nor dlt's settings state one."""

LOCK_WAIT_SECONDS = "60"
"""Seconds that a run waits for another process if LOCK_WAIT_SECONDS is not set."""


def database_setting() -> str:
    """Return the path of the DuckDB file as it is set. dbt opens the same path."""
    given = os.environ.get("DESTINATION__DUCKDB__CREDENTIALS")  # dlt's first place for settings
    return given or _secret("destination.duckdb.credentials") or DATABASE


def database_file() -> Path:
    """Return the DuckDB file with links resolved, so that a file has one lock."""
    return Path(database_setting()).resolve()


def memory_limit() -> str:
    """Return the memory that DuckDB may use. Queries that need more spill to disk."""
    return os.environ.get("DUCKDB_MEMORY_LIMIT", MEMORY_LIMIT)


def lock_wait_seconds() -> int:
    """Return the seconds that a run waits for a process that has the database or a folder.

    Raises:
        InputError: If the setting is not a whole number.
    """
    setting = os.environ.get("LOCK_WAIT_SECONDS") or LOCK_WAIT_SECONDS
    if not setting.isdecimal():
        raise InputError(f"LOCK_WAIT_SECONDS must be a whole number of seconds, not {setting!r}.")
    return int(setting)


def export_url() -> str | None:
    """Return the folder or bucket URL of the export, if one is set."""
    return _setting("sources.metronome_export.bucket_url", str)


def accepts_incomplete() -> bool:
    """Return whether a load succeeds without the files and tables that cannot be loaded."""
    return _setting("sources.metronome_export.accept_incomplete", bool) or False


def api_url() -> str:
    """Return the address of the API."""
    return (
        os.environ.get("METRONOME_BASE_URL")
        or _setting("sources.metronome_api.base_url", str)
        or BASE_URL
    )


def api_token() -> str | None:
    """Return the token of the API, if one is set."""
    # without a type, because dlt's trace records values of types that are not secret
    return os.environ.get("METRONOME_BEARER_TOKEN") or (
        _secret("sources.metronome_api.bearer_token")
    )


def _setting(name: str, data_type: type) -> Any:
    """Return a value of dlt's configuration."""
    import dlt  # takes a second, which a program that needs no value saves

    return dlt.config.get(name, data_type)


def _secret(name: str) -> Any:
    """Return a secret of dlt's configuration."""
    import dlt

    return dlt.secrets.get(name)
