"""Load the sandbox's export and API once, and build them once, for all workers."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.api.server import TOKEN, running
from sandbox.core.account import Account
from sandbox.core.records import to_text
from tests.conftest import Once
from tests.end_to_end.project import MARTS, Run, parse

NewRun = Callable[..., Run]
SAID = "said.txt"
EVERYBODY = {"customer": "", "environment": "PRODUCTION"}


@contextmanager
def api_settings(account: Account, **options: Any) -> Iterator[dict[str, str]]:
    """Yield the settings that reach an account's API at the account's clock, while it runs."""
    with running(account, **options) as base_url:
        yield {
            "METRONOME_BASE_URL": base_url,
            "METRONOME_BEARER_TOKEN": TOKEN,
            "SOURCES__METRONOME_API__AS_OF": to_text(account.now),
            "SOURCES__METRONOME_API__REQUESTS_PER_SECOND": "1000",
        }


@pytest.fixture(scope="session")
def api(account: Account) -> Iterator[dict[str, str]]:
    with api_settings(account) as settings:
        yield settings


@pytest.fixture(scope="session")
def export(export_folder: Path) -> dict[str, str]:
    """Return the setting that reaches the sandbox's export."""
    return {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(export_folder)}


@pytest.fixture(scope="session")
def parsed(once: Once) -> Path:
    """Return a folder with dbt's parse of the project: no run in this process parses it anew.

    The database is that of `both`, which a separate process builds in full.
    """
    return once(
        "parsed", lambda folder: parse(folder, str(folder.with_name("both") / "metronome.duckdb"))
    )


@pytest.fixture(scope="session")
def empty(parsed: Path, once: Once) -> Path:
    """Return a database with the raw tables, empty."""
    return once("empty_run", lambda folder: Run(folder, parsed).load()) / "metronome.duckdb"


@pytest.fixture(scope="session")
def new_run(empty: Path, parsed: Path) -> NewRun:
    """Makes a run on a database with empty raw tables, which a first load would make in seconds."""

    def make(folder: Path, settings: dict[str, str]) -> Run:
        run = Run(folder, parsed, settings)
        shutil.copy(empty, run.database)
        return run

    return make


@pytest.fixture(scope="session")
def loaded(
    export: dict[str, str], api: dict[str, str], new_run: NewRun, parsed: Path, once: Once
) -> Run:
    """Export and API, loaded and not built. Do not change it, but copy it."""
    folder = once("loaded", lambda folder: new_run(folder, export | api).load())
    return Run(folder, parsed, export | api)


@pytest.fixture(scope="session")
def both(loaded: Run, once: Once) -> Run:
    """Export and API, loaded, built, tested and published. Do not change it, but copy it.

    Every model is built, also those that no report reads.
    """

    def build(folder: Path) -> None:
        said = loaded.copy(folder).publish("--exclude-resource-type", "unit_test")
        (folder / SAID).write_text(said, encoding="utf-8")

    return Run(once("both", build), loaded.parsed, loaded.settings)


@pytest.fixture(scope="session")
def export_alone(export: dict[str, str], new_run: NewRun, parsed: Path, once: Once) -> Run:
    """Return the export without the API, loaded and built. Do not change it, but copy it."""

    def make(folder: Path) -> None:
        run = new_run(folder, export)
        run.load()
        run.build(*MARTS, **EVERYBODY)

    return Run(once("export_alone", make), parsed, export)


@pytest.fixture(scope="session")
def account_names(account: Account) -> dict[str, set[str]]:
    """Return the names of the account's customers, by environment."""
    return {
        environment: {customer["name"] for customer in books.customers}
        for environment, books in account.states.items()
    }
