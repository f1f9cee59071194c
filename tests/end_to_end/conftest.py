"""The sandbox account, its export and its API, and the project run on both."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.api.server import TOKEN, running
from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from sandbox.core.records import to_text
from sandbox.export.writer import write_export
from tests.end_to_end.project import Run


@pytest.fixture(scope="session")
def account() -> Account:
    return simulate()


@pytest.fixture(scope="session")
def export_folder(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    write_export(account, folder, "parquet")
    return folder


@contextmanager
def api_settings(account: Account, **options: Any) -> Iterator[dict[str, str]]:
    """The settings that reach an account's API at the account's clock, while it runs."""
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
    """The setting that reaches the sandbox's export."""
    return {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(export_folder)}


@pytest.fixture(scope="session")
def both(
    export: dict[str, str], api: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Export and API, loaded and built; its unit tests ran, too."""
    run = Run(tmp_path_factory.mktemp("both"), export | api)
    run.load()
    run.build()
    return run


@pytest.fixture(scope="session")
def account_names(account: Account) -> dict[str, set[str]]:
    """The names of the account's customers, by environment."""
    return {
        environment: {customer["name"] for customer in books.customers}
        for environment, books in account.states.items()
    }
