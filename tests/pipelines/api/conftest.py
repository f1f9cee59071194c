"""Share databases and accounts with the tests of the API."""

import pytest

from sandbox.api.server import serving
from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from tests.pipelines.api.answers import DETAILS, Loaded
from tests.pipelines.api.few_customers import EARLIER, LATER, few
from tests.pipelines.conftest import (
    Lists,
    NewWorkspace,
    Wire,
)


@pytest.fixture(scope="session")
def details(new_workspace: NewWorkspace) -> Loaded:
    """Return a database with all of `DETAILS`. Do not change it, but copy it."""
    wire = Wire(Lists(DETAILS))
    workspace = new_workspace()
    with serving(wire) as url:
        workspace.load_api(url, "all", SOURCES__METRONOME_API__HISTORY_START="2024-04-01")
    return Loaded(workspace, wire.requests)


@pytest.fixture(scope="session")
def earlier() -> Account:
    """Return some customers on 5 April. Do not change it."""
    return few(simulate(as_of=EARLIER))


@pytest.fixture(scope="session")
def later() -> Account:
    """Return the same customers on 3 May. Do not change it."""
    return few(simulate(as_of=LATER))
