"""Test two runs at once: a run waits for the other, then names it and stops."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.common.errors import InputError
from tests.pipelines.conftest import ROOT, Workspace, write_parquet

Publish = Callable[..., "subprocess.Popen[str]"]

OPEN = "duckdb.connect(file)"
READ = "duckdb.connect(file, read_only=True)"
LOCK = "held(Path(file), '')"
LEAVES = "waits, then names the holder's PID and command in one line; nothing is written"

fault = pytest.mark.fault


@contextmanager
def holder(how: str, file: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has a file until its input is closed."""
    code = f"""import duckdb, sys
from pathlib import Path
from pipelines.common.locks import held
file = sys.argv[1]
with {how}:
    print(flush=True)
    sys.stdin.read()"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        yield process
        process.stdin.close()


@pytest.fixture(scope="module")
def small_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    write_parquet(root, "customer", id=["a", "b"])
    return root


def kept(name: str, how: str, what: str) -> Any:
    """Return a file that another process keeps: its name, how, and what a run finds."""
    return pytest.param(name, how, marks=fault("lock", what, LEAVES))


def load(workspace: Workspace, export: Path, seconds: int) -> "subprocess.Popen[str]":
    return workspace.start(
        *("pipeline", "metronome_export", "run"),
        SOURCES__METRONOME_EXPORT__BUCKET_URL=str(export),
        LOCK_WAIT_SECONDS=str(seconds),
    )


@pytest.mark.parametrize(
    ("name", "how"),
    [
        kept("metronome.duckdb", OPEN, "load: the database is open"),
        kept("metronome.duckdb", READ, "load: the database is read"),
        kept("metronome.duckdb.lock", LOCK, "load: a build is running"),
        kept("dlt/metronome.lock", LOCK, "load: another load uses dlt's folder"),
    ],
)
def test_a_load_leaves_to_others_what_they_keep(
    workspace: Workspace, small_export: Path, name: str, how: str
):
    before = workspace.database.read_bytes()
    with holder(how, workspace.database.parent / name) as other:
        run = load(workspace, small_export, seconds=1)
        said, error = run.communicate()
    assert run.returncode == 1
    assert f" is in use by PID {other.pid}: {sys.executable} -c " in said
    in_use, waits, _ = said.partition(" Waiting for at most 1 s.\n")
    assert waits
    assert error.startswith(f"{in_use}\n")
    assert "Traceback" not in error
    assert workspace.database.read_bytes() == before
    assert list(workspace.dlt_folder.rglob("state.json")) == []


@fault("lock", "load: the database is released in time", "waits, then continues")
def test_a_load_waits_for_a_database_that_is_let_go_of(workspace: Workspace, small_export: Path):
    with holder(OPEN, workspace.database) as other:
        run = load(workspace, small_export, seconds=60)
        assert f"in use by PID {other.pid}" in run.stdout.readline()
        other.stdin.close()
        said = run.stdout.read()
    assert (run.wait(), run.stderr.read()) == (0, "")
    assert said.startswith("export: 1 new of 1 files, 2 rows")
    assert workspace.counts("raw_export") == {"customer": 2}


@fault("lock", "two loads of one database at once", "the second waits for the first")
def test_two_loads_at_once_come_one_after_the_other(workspace: Workspace, small_export: Path):
    runs = [load(workspace, small_export, seconds=60) for _ in range(2)]
    ends = [(run.wait(), run.stdout.read().splitlines(), run.stderr.read()) for run in runs]
    assert [(code, error) for code, _, error in ends] == [(0, "")] * 2
    new = sorted(line[:21] for _, said, _ in ends for line in said if " new of " in line)
    assert new == ["export: 0 new of 1 fi", "export: 1 new of 1 fi"]
    assert workspace.counts("raw_export") == {"customer": 2}


@pytest.fixture
def publish(tmp_path: Path, workspace: Workspace) -> Publish:
    """Start a run that publishes what a command makes."""

    def start(*command: str, seconds: int = 1) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.publish", str(tmp_path / "reports"), "--", *command],
            cwd=ROOT,
            env=workspace.environment
            | {"DBT_TARGET_PATH": str(tmp_path / "target"), "LOCK_WAIT_SECONDS": str(seconds)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.mark.parametrize(
    ("name", "how"),
    [
        kept("reports/.lock", LOCK, "publish: another run uses the folder"),
        kept("target/.lock", LOCK, "publish: another run uses dbt's folder"),
        kept("metronome.duckdb.lock", LOCK, "publish: a load is running"),
        kept("metronome.duckdb", OPEN, "publish: the database is open"),
    ],
)
def test_publish_leaves_to_others_what_they_keep(
    publish: Publish, workspace: Workspace, tmp_path: Path, name: str, how: str
):
    folder = workspace.database.parent if "duckdb" in name else tmp_path
    with holder(how, folder / name) as other:
        run = publish("touch", str(tmp_path / "ran"))
        said, error = run.communicate()
    assert run.returncode == 1
    assert f" is in use by PID {other.pid}: {sys.executable} -c " in said
    in_use, _, _ = said.partition(" Waiting for at most 1 s.\n")
    assert error.startswith(f"\nNot published.\n  {in_use}\n")
    assert not (tmp_path / "ran").exists()


@fault("lock", "publish: killed, while its dbt still runs", "dbt keeps its locks until it ends")
def test_a_build_whose_publisher_was_killed_still_keeps_others_out(
    publish: Publish, small_export: Path, workspace: Workspace, tmp_path: Path
):
    killed = publish("sh", "-c", "kill -9 $PPID; echo killed; read line")
    assert killed.stdout.readline() == "killed\n"
    second = publish("touch", str(tmp_path / "ran"))
    said, _ = second.communicate()
    assert f"{tmp_path}/reports is in use by PID {killed.pid}: " in said
    _, error = load(workspace, small_export, seconds=0).communicate()
    assert error.startswith(f"{workspace.database} is in use by PID {killed.pid}: ")
    assert not (tmp_path / "ran").exists()

    killed.communicate("\n")
    publish("touch", str(tmp_path / "ran"), seconds=60).wait()
    assert (tmp_path / "ran").exists()


def test_how_long_to_wait_is_a_number(workspace: Workspace):
    with pytest.raises(InputError, match="whole number of seconds, not 'long'"):
        workspace.run(LOCK_WAIT_SECONDS="long")
