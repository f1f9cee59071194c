"""Test settings, which are checked before a file is created, and names of databases and folders."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.common.errors import InputError
from sandbox.api.server import serving
from tests.pipelines.conftest import Lists, NewWorkspace, Workspace

ONE = {"/v1/customers": ['[{"id": "c1", "created_at": "2024-04-01T00:00:00Z"}]']}


@pytest.fixture
def nowhere(tmp_path: Path) -> Workspace:
    """Return a workspace whose folders do not exist yet."""
    return Workspace(tmp_path / "data" / "metronome.duckdb", tmp_path / "dlt")


@pytest.mark.parametrize(
    ("names", "variables", "message"),
    [
        (["metronome_api"], {}, "No API to load: set METRONOME_BEARER_TOKEN"),
        (["metronome_export"], {}, "No export to load: set"),
        (
            ["metronome_export", "metronome_api"],
            {
                "SOURCES__METRONOME_EXPORT__BUCKET_URL": "/no/such/export",
                "METRONOME_BEARER_TOKEN": "t",
            },
            "There is no folder '/no/such/export'",
        ),
        (
            ["metronome_api"],
            {"METRONOME_BEARER_TOKEN": "t", "METRONOME_BASE_URL": "api.metronome.com"},
            "METRONOME_BASE_URL is not an address",
        ),
        (
            ["metronome_api"],
            {"METRONOME_BEARER_TOKEN": "t", "SOURCES__METRONOME_API__AS_OF": "soon"},
            "as_of is 'soon'",
        ),
        ([], {"SOURCES__METRONOME_API__SELECT": '["invoice"]'}, "no resource 'invoice'"),
        ([], {"DUCKDB_MEMORY_LIMIT": "lots"}, "DUCKDB_MEMORY_LIMIT, or MEMORY for make, is 'lots'"),
    ],
)
def test_a_wrong_setting_is_refused_before_a_file_is_created(
    nowhere: Workspace, tmp_path: Path, names: list[str], variables: dict[str, str], message: str
):
    with pytest.raises(InputError, match=message):
        nowhere.run(*names, **variables)
    assert list(tmp_path.iterdir()) == []


LETTERS = "ab%'\"{}$#?*[]; \\é☃(:~.\n"
FEW = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def load_or_refuse(workspace: Workspace) -> bool:
    """Load one customer. Return whether the workspace was refused. Then it has no files."""
    with serving(Lists(ONE)) as url:
        try:
            workspace.load_api(url, "customers")
        except InputError as error:
            assert "\n" not in str(error).replace(str(workspace.database), "").replace(
                str(workspace.dlt_folder), ""
            )
            assert not workspace.dlt_folder.exists()
            assert not workspace.database.with_name(f"{workspace.database.name}.lock").exists()
            return True
    assert workspace.column("select id from raw_api.customers") == ["c1"]
    return False


@FEW
@given(st.text(LETTERS, min_size=1, max_size=12).filter(lambda name: name.strip(".")))
def test_a_database_may_have_any_name_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str
):
    folder = tmp_path_factory.mktemp("database")
    is_refused = load_or_refuse(Workspace(folder / f"{name}.duckdb", folder / "dlt"))
    catalog = name.lstrip(".").partition(".")[0]
    assert is_refused == bool(set(name) & set("#?;\n") or set(catalog) & set("'\""))


@pytest.mark.parametrize("name", ["50% off.1's.duckdb", "a.b", "md:x", ":memory:"])
def test_a_database_may_have_a_name_that_means_something_elsewhere(nowhere: Workspace, name: str):
    assert not load_or_refuse(Workspace(nowhere.database.with_name(name), nowhere.dlt_folder))
    assert {f.name for f in nowhere.database.parent.iterdir()} == {name, f"{name}.lock"}


@pytest.mark.parametrize("name", ["raw_export.duckdb", "RAW_API.db", "raw_api_staging.a.duckdb"])
def test_a_database_does_not_have_the_name_of_a_schema(nowhere: Workspace, name: str):
    workspace = Workspace(nowhere.database.with_name(name), nowhere.dlt_folder)
    with pytest.raises(InputError, match=f"^The database cannot be called .*{name}: raw_"):
        workspace.run()
    assert load_or_refuse(workspace)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("data/#1/m.duckdb", "dbt reads it as a URL"),
        ("x?y=1.duckdb", "dbt reads it as a URL"),
        ("a;b.duckdb", "dbt reads it as a URL"),
        ("md:x", "dbt reads it as a URL"),
        ("it's.duckdb", "dbt cannot use a name with a quote"),
        ('"q".duckdb', "dbt cannot use a name with a quote"),
    ],
)
def test_a_database_that_dbt_cannot_open_is_refused(nowhere: Workspace, setting: str, reason: str):
    with pytest.raises(InputError) as caught:
        nowhere.run(DESTINATION__DUCKDB__CREDENTIALS=setting)
    assert str(caught.value).startswith(f"The database cannot be called {setting}: {reason}")
    assert not nowhere.dlt_folder.exists()


@FEW
@given(st.text(LETTERS, min_size=1, max_size=12).filter(lambda name: name.strip(".")))
def test_the_folder_of_dlt_may_have_any_name_or_is_refused(
    new_workspace: NewWorkspace, tmp_path_factory: pytest.TempPathFactory, name: str
):
    folder = tmp_path_factory.mktemp("dlt") / name
    workspace = Workspace(new_workspace().database, folder)
    is_refused = load_or_refuse(workspace)
    assert is_refused == ("%" in name or "'" in name)


@pytest.mark.parametrize("name", ["it's", "50% off", "%s"])
def test_a_folder_that_dlt_cannot_use_is_named(nowhere: Workspace, name: str):
    folder = nowhere.dlt_folder.with_name(name)
    with pytest.raises(
        InputError, match=r"^dlt cannot work in the folder .* DLT_DATA_DIR=<folder>"
    ):
        nowhere.run(DLT_DATA_DIR=os.fspath(folder))
    assert not folder.exists()
