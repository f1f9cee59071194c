"""Share one built database and its snapshot with the tests of this folder.

To test on a database that is built already, name it in PAGES_DATABASE and the folder of its CSVs in
PAGES_REPORTS.
"""

from pathlib import Path

import pytest

from explore.snapshot import take
from tests.pages.conftest import Built, api, both, built, empty, export, loaded, new_run, parsed

__all__ = ["api", "both", "built", "empty", "export", "loaded", "new_run", "parsed"]


@pytest.fixture(scope="session")
def database(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the built database in a new folder, because the snapshot is written there.

    Do not change it.
    """
    copy = tmp_path_factory.mktemp("explore") / built.database.name
    copy.write_bytes(built.database.read_bytes())
    return copy


@pytest.fixture(scope="session")
def snapshot(database: Path) -> Path:
    return take(database)
