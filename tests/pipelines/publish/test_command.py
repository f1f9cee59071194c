"""The folder of published reports: what readers find in it, always and after faults."""

import io
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.publish.__main__ import main
from pipelines.publish.report_set import reports_folder
from tests.pipelines.conftest import ROOT, Workspace

KILL_PUBLISHER = ("sh", "-c", 'echo half > "$REPORTS_DIR/a.csv"; kill -9 $PPID $$')


@pytest.fixture(autouse=True)
def database(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a database of our own, and a target folder."""
    folder = tmp_path_factory.mktemp("database")
    file = folder / "metronome.duckdb"
    duckdb.connect(str(file)).close()
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    monkeypatch.setenv("DBT_TARGET_PATH", str(folder / "target"))
    return file


def publish(folder: Path, **files: str) -> None:
    """Publish a set of files, by name and content."""
    with reports_folder(folder) as reports:
        for name, content in files.items():
            (reports.new_set / f"{name}.csv").write_text(content)
        reports.swap()


def seen(folder: Path) -> dict[str, str]:
    """Return the published texts by file name, without pages."""
    kinds = (".csv", ".json", ".txt")
    return {path.name: path.read_text() for path in folder.glob("[!.]*") if path.suffix in kinds}


def command(folder: Path, *given: str) -> list[str]:
    return [sys.executable, "-m", "pipelines.publish", str(folder), "--", *given]


def run(*given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(given, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_swap_replaces_all_reports_and_keeps_other_files(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "a.csv").write_text("of an older version, which wrote no sets")
    publish(tmp_path, a="1", b="1")
    assert seen(tmp_path) == {"notes.txt": "mine", "a.csv": "1", "b.csv": "1"}
    publish(tmp_path, a="2", b="2")
    assert seen(tmp_path) == {"notes.txt": "mine", "a.csv": "2", "b.csv": "2"}


def test_a_removed_report_disappears_and_a_new_one_appears(tmp_path: Path):
    publish(tmp_path, a="1", b="1")
    publish(tmp_path, b="2", c="2")
    assert seen(tmp_path) == {"b.csv": "2", "c.csv": "2"}
    assert not (tmp_path / "a.csv").is_symlink()


def test_a_set_that_is_not_swapped_in_is_never_seen(tmp_path: Path):
    publish(tmp_path, a="1")
    with reports_folder(tmp_path) as reports:
        (reports.new_set / "a.csv").write_text("half")
    assert seen(tmp_path) == {"a.csv": "1"}
    publish(tmp_path, b="2")
    assert seen(tmp_path) == {"b.csv": "2"}


def test_before_each_call_of_the_system_readers_see_one_set_or_the_next(tmp_path: Path):
    publish(tmp_path, a="1", b="1")
    views = []

    def look(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and getattr(called, "__module__", None) == "posix":
            views.append(seen(tmp_path))

    for number in ("2", "3"):
        sys.setprofile(look)
        try:
            publish(tmp_path, a=number, b=number)
        finally:
            sys.setprofile(None)
    sets = [{"a.csv": number, "b.csv": number} for number in ("1", "2", "3")]
    assert [view for view, _ in groupby(views)] == sets


@pytest.mark.fault(
    "process", "kill -9 while dbt writes reports", "the last set stays; the next run is not blocked"
)
def test_a_killed_run_leaves_the_old_set_and_the_next_is_not_held_up(tmp_path: Path):
    publish(tmp_path, a="1", b="1")
    done = run(*command(tmp_path, *KILL_PUBLISHER))
    assert done.returncode == -9
    assert (tmp_path / ".sets" / "b" / "a.csv").read_text() == "half\n"
    assert seen(tmp_path) == {"a.csv": "1", "b.csv": "1"}
    publish(tmp_path, b="2")
    assert seen(tmp_path) == {"b.csv": "2"}


@pytest.mark.fault(
    "disk", "the folder of reports is read-only", "one line before anything runs; the set stays"
)
def test_a_folder_that_cannot_be_written_to_is_said_in_a_line_before_anything_runs(tmp_path: Path):
    folder, ran = tmp_path / "reports", tmp_path / "ran"
    publish(folder, a="1")
    folder.chmod(0o555)
    # root may write anywhere, unless that power is taken from it
    as_others = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    done = run(*as_others, *command(folder, "touch", str(ran)))
    folder.chmod(0o755)
    assert done.returncode == 1
    assert not ran.exists()
    assert seen(folder) == {"a.csv": "1"}
    assert f"Not published.\n  {folder} cannot be written to: Permission denied." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["true"], 1, "dbt left no results in"),
        (["sh", "-c", "exit 2"], 2, "The build ended with exit code 2"),
        (["no-such-command"], 1, "No such file or directory: 'no-such-command'"),
        (["sh", "-c", "kill -TERM $$"], 143, "The build ended with exit code 143"),
    ],
)
def test_a_command_that_is_not_a_build_is_not_published(
    tmp_path: Path, given: list[str], code: int, said: str
):
    publish(tmp_path, a="1")
    done = run(*command(tmp_path, *given))
    assert done.returncode == code
    assert "Not published." in done.stderr
    assert said in done.stderr
    assert seen(tmp_path) == {"a.csv": "1"}


def test_a_run_without_a_command_prints_its_usage(tmp_path: Path):
    done = run(*command(tmp_path))
    assert done.returncode == 2
    assert "publish needs a command" in done.stderr


def test_without_a_database_the_error_names_a_remedy_and_none_is_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    database = tmp_path / "none.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(database))
    done = run(*command(tmp_path / "reports", "touch", str(tmp_path / "ran")))
    assert done.returncode == 1
    assert (
        f"The database {database} does not exist. Load one with `dlt pipeline run`." in done.stderr
    )
    assert not (tmp_path / "ran").exists()
    assert not database.exists()


# A build that succeeds


BUILD = """import json, os, sys
from datetime import UTC, datetime
from pathlib import Path

number, *words = sys.argv[1:]
full = [word for word in words if word.endswith(".json")]
folder, target = Path(os.environ["REPORTS_DIR"]), Path(os.environ["DBT_TARGET_PATH"])
nodes = {
    f"model.metronome.{name}": {
        "unique_id": f"model.metronome.{name}",
        "name": name,
        "resource_type": "model",
        "schema": "main",
        "alias": "arguments",
        "config": {"meta": {"totals": ["total"]}},
        "depends_on": {"macros": []},
    }
    for name in (
        *("report_parameters", "rpt_a", "rpt_b"),
        *("stg_metronome_export__load_notes", "stg_metronome_export__loaded_files"),
    )
}
for name in ("a", "b"):
    (folder / f"{name}.csv").write_text(f"pricing_unit,total\\nUSD,{number}\\n")
for name in full:
    (folder / name).symlink_to("/dev/full")
results = {
    "metadata": {"generated_at": datetime.now(UTC).isoformat(), "dbt_version": "1"},
    "args": {},
    "results": [{"unique_id": key, "status": "success", "failures": None} for key in nodes],
}
invoice = "source.metronome.raw_export.invoice"
manifest = {"nodes": nodes, "macros": {}, "child_map": {invoice: list(nodes)}}
manifest["parent_map"] = {key: [invoice] for key in nodes}
artifacts = {"manifest": manifest, "run_results": results}
for name, content in artifacts.items():
    (target / f"{name}.json").write_text(json.dumps(content))
"""
"""Leaves what a `dbt build` leaves; its reports hold a number. No dbt: it would take minutes."""

KILLS = 6
FOLDERS = ["it's 100% #1", '"q" ü', "a*b", "a?b", "[ab]", "{x} $(y) `z`; &", "a\nb"]
"""Names that mean something to a shell, to SQL, in a pattern or in an address."""


def create_models(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the marts and reports that the pages read, empty, as their contracts declare them."""
    for schema in ("marts", "reports"):
        connection.execute(f"create schema {schema}")
        for path in (ROOT / "models" / schema).rglob("*.yml"):
            for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
                columns = ", ".join(f"{c['name']} {c['data_type']}" for c in model["columns"])
                connection.execute(f"create table {schema}.{model['name']} ({columns})")
    connection.execute(
        "insert into marts.report_parameters (as_of, billing_month) "
        "values ('2024-04-15', '2024-03')"
    )


@pytest.fixture
def building(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the settings of a loaded database, and the folder of reports."""
    columns = "as_of, environment_type, billing_month, customer, customer_id"
    columns += ", usage_from_date, usage_to_date, path, table_name, is_left_out"
    columns += ", is_newest, has_doubles"
    with workspace.connect() as connection:
        nulls = ", ".join(f"null as {column}" for column in columns.split(", "))
        connection.execute(f"create table arguments as select {nulls}")
        create_models(connection)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(workspace.database))
    monkeypatch.setenv("REPORT_AS_OF", "2024-04-15")
    return tmp_path / "reports"


def published(folder: Path) -> set[str]:
    """Return the numbers in the files of a set: one, if all are of one set."""
    texts = seen(folder)
    content = json.loads(texts.pop("run.json"))
    reports = content["reports"]
    assert all((folder / name).is_file() for name in content["pages"])
    assert texts.keys() == reports.keys() == {"a.csv", "b.csv"}
    totals = {report["totals"]["USD"]["total"] for report in reports.values()}
    return totals | {text.split(",")[-1].strip() for text in texts.values()}


def publish_number(
    folder: Path, number: int, *full: str, by: Sequence[str] = (), options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Publish reports that hold a number. In this process, or started by another command."""
    words = command(folder, sys.executable, "-c", BUILD, str(number), *full, *options)
    if by:
        return run(*by, *words[1:])
    said, errors = io.StringIO(), io.StringIO()
    handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(errors):
        patch.chdir(ROOT)
        code = main(words[3:])
    for name, handler in handlers.items():
        signal.signal(name, handler)
    return subprocess.CompletedProcess(words, code, said.getvalue(), errors.getvalue())


def test_the_folder_of_reports_may_have_any_name(building: Path):
    """And its reports are its own: `a?b` is not a pattern that also fits `a*b`."""
    for number, name in enumerate(FOLDERS):
        folder = building / name
        done = publish_number(folder, number)
        assert (done.returncode, done.stderr) == (0, "")
        assert published(folder) == {str(number)}


@pytest.mark.fault(
    "process",
    f"kill -9 while a set is published, {KILLS} times",
    "readers see one complete set; the next run works",
    runs=KILLS,
)
def test_a_publisher_that_is_killed_leaves_one_whole_set(building: Path, tmp_path: Path):
    def by(moment: int) -> tuple[str, ...]:
        killed = ROOT / "tests" / "killed.py"
        return sys.executable, "-P", str(killed), str(moment), str(tmp_path / "count")

    assert publish_number(building, 0).returncode == 0  # it makes more links than those after it
    assert publish_number(building, 1, by=by(0)).returncode == 0
    operations = int((tmp_path / "count.operations").read_text())
    source = random.Random(5)
    for number in range(2, 2 + KILLS):
        before = published(building)
        moment = source.randint(1, operations)
        done = publish_number(building, -number, by=by(moment))
        assert done.returncode == -9, done.stderr
        assert published(building) in (before, {str(-number)})
        done = publish_number(building, number)
        assert (done.returncode, done.stderr) == (0, "")
        assert published(building) == {str(number)}


@pytest.mark.fault("disk", "full while `run.json` is written", "the last good set stays; one line")
def test_a_set_that_finds_no_room_is_not_published(building: Path):
    assert publish_number(building, 1).returncode == 0
    done = publish_number(building, 2, "run.json")
    assert done.returncode == 1
    assert "Not published.\n  [Errno 28] No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert published(building) == {"1"}
    assert publish_number(building, 3).returncode == 0
    assert published(building) == {"3"}


# Again, with nothing new


def test_a_run_with_nothing_new_builds_nothing_and_leaves_the_set(building: Path):
    assert publish_number(building, 1).returncode == 0
    before = (building / ".current").readlink()
    done = publish_number(building, 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"Nothing has changed: the reports in {building} are up to date, as of None\n"
    )
    assert (building / ".current").readlink() == before
    assert published(building) == {"1"}


def add_a_load(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into raw_export.loaded_files (root, path, table_name, _dlt_load_id, _dlt_id) "
        "values ('export', 'a file', 'invoice', '9', 'a file')"
    )
    connection.execute(
        "insert into raw_export._dlt_loads (load_id, schema_name, status, inserted_at) "
        "values ('9', 'metronome_export', 0, now())"
    )


def change_a_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete the record of the last run, as dbt does before it changes a table."""
    connection.execute("drop table publishing.last_published_run")


def change_the_project(connection: duckdb.DuckDBPyConnection) -> None:
    """So that the note is one of another."""
    other = """replace(record, '"project": "', '"project": "another ')"""
    connection.execute(f"update publishing.last_published_run set record = {other}")


@pytest.mark.parametrize("change", [add_a_load, change_a_table, change_the_project])
def test_a_run_with_something_new_builds_again(
    building: Path, workspace: Workspace, change: Callable[[duckdb.DuckDBPyConnection], None]
):
    assert publish_number(building, 1).returncode == 0
    with workspace.connect() as connection:
        change(connection)
    done = publish_number(building, 1)
    assert "build: 5 models" in done.stdout
    assert publish_number(building, 1).stdout.startswith("Nothing has changed")


def test_a_report_that_was_changed_by_hand_is_written_again(building: Path):
    assert publish_number(building, 1).returncode == 0
    (building / "a.csv").write_text("by hand")
    assert "build: 5 models" in publish_number(building, 1).stdout
    assert published(building) == {"1"}


def test_a_database_of_another_name_is_built_anew(
    building: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    """Its views name the tables of the one that it was."""
    assert publish_number(building, 1).returncode == 0
    other = workspace.database.with_name("other.duckdb")
    workspace.database.rename(other)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(other))
    assert "build: 5 models" in publish_number(building, 1).stdout


@pytest.mark.parametrize("option", ["--full-refresh", "--select=a", "-s", "--exclude"])
def test_an_explicit_selection_is_not_narrowed(building: Path, option: str):
    for _ in range(2):
        assert "build: 5 models" in publish_number(building, 1, options=[option]).stdout
