"""Share one simulated account and its export with all tests. They are made once for all workers."""

import gc
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from sandbox.export.writer import write_export

SETTINGS = re.compile(
    "(MAKE|MFLAGS|REPORT_|DESTINATION__|SOURCES__|DBT_|ACCOUNT$|DB$|DLT_DATA_DIR$|ENVIRONMENT$|OUT$|PDF$|SELLER$)"
)
"""Variables that `make test` or the developer's shell can set. They are unset for all tests."""

for name in [name for name in os.environ if SETTINGS.match(name)]:
    del os.environ[name]
os.environ["SE_OFFLINE"] = "true"  # Selenium downloads no driver and sends no statistics
gc.set_threshold(1_000_000, 100, 1000)  # as often as usual, it takes a sixth of dbt's time
pytest_plugins = ["tests.processor_seconds"]

Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Make a folder once for all workers. The first worker makes it, the others wait.

    Do not change its content, but copy it.
    """
    root = tmp_path_factory.getbasetemp()
    root = root if worker_id == "master" else root.parent

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = root / name, root / f"{name}.done"
        with FileLock(root / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def account() -> Account:
    """Return the sandbox's account. Do not change it."""
    return simulate()


@pytest.fixture(scope="session")
def export_folder(account: Account, once: Once) -> Path:
    """Return the account's export in the object-storage layout."""
    return once("export", lambda folder: write_export(account, folder))


@pytest.fixture(scope="session")
def csv_folder(account: Account, once: Once) -> Path:
    """Return the account's export as flat CSVs, like Metronome's."""
    return once("csv", lambda folder: write_export(account, folder, "csv"))
