"""Where the data is and where it goes: the settings that dlt, dbt and `doctor` share."""

import os
from pathlib import Path

import dlt

from pipelines.errors import InputError
from pipelines.metronome_api.endpoints import BASE_URL

DATABASE = "data/account/metronome.duckdb"
"""Where the data goes unless DESTINATION__DUCKDB__CREDENTIALS names another file; dbt's profile
reads the same variable and has the same default."""

MEMORY_LIMIT = "4GB"
"""What DuckDB may take unless DUCKDB_MEMORY_LIMIT says otherwise; dbt's profile has the same."""

LOCK_WAIT_SECONDS = "60"
"""How long what another process has is waited for, unless LOCK_WAIT_SECONDS says otherwise; dbt's
profile has the same."""


def database_file() -> Path:
    """The DuckDB file."""
    return Path(dlt.secrets.get("destination.duckdb.credentials") or DATABASE).absolute()


def memory_limit() -> str:
    """What DuckDB may take; what needs more spills to disk, beside the database."""
    return os.environ.get("DUCKDB_MEMORY_LIMIT", MEMORY_LIMIT)


def lock_wait_seconds() -> int:
    """How long what another process has is waited for.

    Raises:
        InputError: If it is set to what is no number.
    """
    setting = os.environ.get("LOCK_WAIT_SECONDS") or LOCK_WAIT_SECONDS
    if not setting.isdecimal():
        raise InputError(f"LOCK_WAIT_SECONDS must be a whole number of seconds, not {setting!r}.")
    return int(setting)


def export_url() -> str | None:
    """The folder of the export, if there is one."""
    return dlt.config.get("sources.metronome_export.bucket_url", str)


def accepts_incomplete() -> bool:
    """Whether a load that left some of the export out is good enough to go on with."""
    return dlt.config.get("sources.metronome_export.accept_incomplete", bool) or False


def api_url() -> str:
    """Where the API is."""
    return (
        os.environ.get("METRONOME_BASE_URL")
        or dlt.config.get("sources.metronome_api.base_url", str)
        or BASE_URL
    )


def api_token() -> str | None:
    """The token of the API, if there is one."""
    # no type is asked for: dlt's trace would keep the value of a type that is not secret
    return os.environ.get("METRONOME_BEARER_TOKEN") or (
        dlt.secrets.get("sources.metronome_api.bearer_token")
    )
