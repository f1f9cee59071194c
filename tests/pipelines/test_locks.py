"""Two at once: a run waits for who has the database or a folder, then says who it is and leaves."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import InputError
from pipelines.locks import held
from tests.pipelines.conftest import NewWorkspace, Workspace, write_parquet

OPEN = "held = duckdb.connect(sys.argv[1])"
OPEN_TO_READ = "held = duckdb.connect(sys.argv[1], read_only=True)"
LOCK = "held = open(sys.argv[1], 'a'); fcntl.flock(held, fcntl.LOCK_EX); held.write('PID 1: other')"
LEAVES = "waits; then one line with the holder's PID and command; nothing is written"

fault = pytest.mark.fault


@contextmanager
def holder(how: str, file: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has a file until a line is sent to it."""
    code = f"import duckdb, fcntl, sys; {how}; print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        yield process
        process.communicate("\n")


@pytest.fixture(scope="module")
def small_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    write_parquet(root, "customer", id=["a", "b"])
    return root


def load(workspace: Workspace, export: Path, seconds: int) -> "subprocess.Popen[str]":
    return workspace.start(
        *("pipeline", "metronome_export", "run"),
        SOURCES__METRONOME_EXPORT__BUCKET_URL=str(export),
        LOCK_WAIT_SECONDS=str(seconds),
    )


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(OPEN, marks=fault("disk", "a load meets a database that is open", LEAVES)),
        pytest.param(
            OPEN_TO_READ, marks=fault("disk", "a load meets a database that is being read", LEAVES)
        ),
    ],
)
def test_a_load_leaves_a_database_that_stays_in_use(
    workspace: Workspace, small_export: Path, how: str
):
    with holder(how, workspace.database) as other:
        before = workspace.database.read_bytes()
        run = load(workspace, small_export, seconds=1)
        said, error = run.communicate()
        assert run.returncode == 1
        in_use = f"{workspace.database} is in use by PID {other.pid}: {sys.executable} -c import"
        assert said.startswith(in_use)
        assert said.endswith("Wait until that ends, or end it. Waiting for at most 1 s.\n")
        assert error.startswith(in_use)
        assert "Traceback" not in error
        assert workspace.database.read_bytes() == before


@fault("disk", "a load meets a database that is let go of in time", "waits, and goes on")
def test_a_load_waits_for_a_database_that_is_let_go_of(workspace: Workspace, small_export: Path):
    with holder(OPEN, workspace.database) as other:
        run = load(workspace, small_export, seconds=60)
        assert f"in use by PID {other.pid}" in run.stdout.readline()
        other.communicate("\n")
        said, error = run.communicate()
    assert (run.returncode, error) == (0, "")
    assert said.startswith("export: 1 new of 1 files, 2 rows")
    assert workspace.counts("raw_export") == {"customer": 2}


@fault("process", "two loads of one database at once", "the second waits for the first")
def test_two_loads_at_once_come_one_after_the_other(workspace: Workspace, small_export: Path):
    runs = [load(workspace, small_export, seconds=60) for _ in range(2)]
    ends = [(run.wait(), run.stdout.read().splitlines(), run.stderr.read()) for run in runs]
    assert [(code, error) for code, _, error in ends] == [(0, "")] * 2
    loaded = sorted(line for _, said, _ in ends for line in said if line.startswith("export: "))
    assert loaded[0].startswith("export: 0 new of 1 files")
    assert [line[:15] for line in loaded if "new of 1" in line] == [
        "export: 0 new o",
        "export: 1 new o",
    ]
    assert workspace.column("select count(*) from raw_export.customer") == [2]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("metronome.duckdb.lock", marks=fault("process", "a load beside a build", "")),
        pytest.param("dlt/metronome.lock", marks=fault("process", "two loads in one folder", "")),
    ],
)
def test_a_load_leaves_to_another_run_what_it_holds(
    new_workspace: NewWorkspace, small_export: Path, name: str
):
    ...


def publish(folder: Path, *command: str, seconds: int, database: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.publish", str(folder), "--", *command],
        env=os.environ
        | {
            "DESTINATION__DUCKDB__CREDENTIALS": str(database),
            "DBT_TARGET_PATH": str(folder.with_name("target")),
            "LOCK_WAIT_SECONDS": str(seconds),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
