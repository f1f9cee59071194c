"""Test that a later run loads new and changed files, and that one version of a file counts."""

import os
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.common.errors import InputError
from pipelines.metronome_api import RAW_TABLES as API_TABLES
from tests.pipelines.conftest import (
    NewWorkspace,
    Workspace,
    write_csv,
    write_parquet,
)


def touch_later(path: Path) -> None:
    """Give a file a later time, as a new write of it would."""
    later = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(path, ns=(later, later))


def counting_ids(workspace: Workspace) -> list[str]:
    """Return the customers in rows of the newest versions that were loaded of the files."""
    return workspace.column(
        "select id from raw_export.customer where (_file, _dlt_load_id) in ("
        "select (path, max(_dlt_load_id)) from raw_export.loaded_files where _dlt_load_id in ("
        "select load_id from raw_export._dlt_loads where status = 0) group by path) order by id"
    )


def test_a_run_loads_what_is_new_late_or_changed(workspace: Workspace, tmp_path: Path):
    """Loaded rows are not deleted. `loaded_files` states which rows count."""
    write_parquet(tmp_path, "customer", "2024-01-05", id=["a", "a"])
    changed = write_parquet(tmp_path, "customer", "2024-01-06", id=["b"])
    assert workspace.load_export(tmp_path).startswith("export: 2 new of 2 files, 3 rows")
    assert counting_ids(workspace) == ["a", "a", "b"]

    write_parquet(tmp_path, "customer", "2024-01-07", id=["new"])
    write_parquet(tmp_path, "customer", "2024-01-05", part=1, id=["late"])
    write_parquet(tmp_path, "customer", "2024-01-06", id=["c"])  # of the same size as before
    touch_later(changed)
    assert workspace.load_export(tmp_path).startswith("export: 3 new of 4 files, 3 rows")
    assert counting_ids(workspace) == ["a", "a", "c", "late", "new"]
    landed = workspace.column("select id from raw_export.customer order by id")
    assert landed == ["a", "a", "b", "c", "late", "new"]
    assert workspace.load_export(tmp_path) == f"export: 0 new of 4 files, 0 rows from {tmp_path}"


def test_a_file_that_is_as_it_was_two_versions_ago_is_loaded_again(
    workspace: Workspace, tmp_path: Path
):
    path = write_parquet(tmp_path, "customer", id=["a"])
    first, stat = path.read_bytes(), path.stat()
    workspace.load_export(tmp_path)
    write_parquet(tmp_path, "customer", id=["b", "c"])
    workspace.load_export(tmp_path)
    path.write_bytes(first)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert workspace.load_export(tmp_path).startswith("export: 1 new of 1 files, 1 rows")
    assert counting_ids(workspace) == ["a"]


def test_the_rows_of_a_file_that_is_empty_now_do_not_count(workspace: Workspace, tmp_path: Path):
    write_csv(tmp_path, "customer", "id,name", "a,One")
    workspace.load_export(tmp_path)
    write_csv(tmp_path, "customer", "id,name")
    assert workspace.load_export(tmp_path).startswith("export: 1 new of 1 files, 0 rows")
    assert counting_ids(workspace) == []


def test_databases_share_no_state(new_workspace: NewWorkspace, tmp_path: Path):
    """One working folder, two databases, one export: each has all files once."""
    write_parquet(tmp_path, "customer", id=["a"])
    write_parquet(tmp_path, "invoice", id=["i"], total=[0.1])
    one = new_workspace()
    other = Workspace(new_workspace().database, one.dlt_folder)
    for workspace, new_files in ((one, 2), (other, 2), (one, 0)):
        assert workspace.load_export(tmp_path).startswith(f"export: {new_files} new of 2 files")
    assert one.contents("raw_export") == other.contents("raw_export")
    assert one.query("select id, total from raw_export.invoice") == [("i", Decimal("0.1"))]


def test_a_deleted_database_is_filled_again(workspace: Workspace, tmp_path: Path):
    write_parquet(tmp_path, "customer", id=["a"])
    workspace.run()
    workspace.database.unlink()
    workspace.load_export(tmp_path)
    assert workspace.column("select id from raw_export.customer") == ["a"]
    assert workspace.contents("raw_api").keys() == API_TABLES.keys()


def test_a_second_export_is_not_mixed_in_but_one_that_was_moved_is_the_same(
    loaded_export: Workspace, export: Path, new_workspace: NewWorkspace, tmp_path: Path
):
    workspace = new_workspace(loaded_export)
    write_parquet(tmp_path / "other", "customer", id=["of another account"])
    with pytest.raises(InputError, match=re.escape(f"The database holds the export of {export}")):
        workspace.load_export(tmp_path / "other")
    shutil.copytree(export, tmp_path / "moved")
    assert workspace.load_export(tmp_path / "moved").startswith("export: 0 new of ")
    assert workspace.counts("raw_export") == loaded_export.counts("raw_export")


def test_a_source_that_is_left_out_now_is_said_to_count_still(
    loaded_export: Workspace, new_workspace: NewWorkspace
):
    (line,) = new_workspace(loaded_export).run()
    assert line.startswith("export: not configured. Its rows of ")


def nothing(root: Path) -> Path:
    return root


def empty_folder(root: Path) -> Path:
    root.mkdir()
    return root


def only_an_unknown_table(root: Path) -> Path:
    write_csv(root, "todo", "id", "a")
    return root


@pytest.fixture(scope="module")
def untouched(new_workspace: NewWorkspace) -> Workspace:
    """Return a workspace that faults never change."""
    return new_workspace()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (nothing, "There is no folder"),
        (empty_folder, "There is no table of an export"),
        (only_an_unknown_table, "There is no table of an export"),
    ],
)
def test_a_folder_without_an_export_is_named_and_nothing_of_it_is_loaded(
    untouched: Workspace, tmp_path: Path, fault: Callable[[Path], Path], message: str
):
    culprit = fault(tmp_path / "export")
    with pytest.raises(InputError) as caught:
        untouched.load_export(tmp_path / "export")
    assert message in str(caught.value)
    assert str(culprit) in str(caught.value)
    assert untouched.counts("raw_export") == {}
