"""Share one simulated account and its export with the tests of the sandbox."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.api.server import running
from sandbox.core.account import Account, AccountState
from sandbox.core.records import NOW, PRODUCTION, SANDBOX
from sandbox.export.writer import write_export
from tests.sandbox.accounts import CLOCKS, simulated
from tests.sandbox.calls import HEADER


@pytest.fixture(scope="session")
def account() -> Account:
    """Return the account. Do not change it."""
    return simulated(NOW)


@pytest.fixture(scope="session")
def export(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the account's export in the object-storage layout. Do not change it."""
    root = tmp_path_factory.mktemp("export")
    write_export(account, root)
    return root


@pytest.fixture(scope="module", params=CLOCKS, ids=str)
def clock(request: pytest.FixtureRequest) -> Account:
    """Return the account at one of several instants. Do not change it."""
    return simulated(request.param)


@pytest.fixture(scope="module", params=[PRODUCTION, SANDBOX])
def state(request: pytest.FixtureRequest, clock: Account) -> AccountState:
    """Return one environment of the account at one of several instants."""
    return clock.states[request.param]


@pytest.fixture(scope="module")
def url(account: Account) -> Iterator[str]:
    with running(account) as base:
        yield base


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers=HEADER) as client:
        yield client
