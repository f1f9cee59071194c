"""A disk that is full or read-only, and a database that does not open: what was good stays."""

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines import load
from pipelines.common.errors import InputError
from tests.pipelines.conftest import ROOT, SETTINGS, Workspace, write_parquet

fault = pytest.mark.fault

FULL = (
    "Make room on the disks of the database and of dlt's working folder, then run the same command"
)
STAYS = "one line names the file and what to do; the file does not change"


# A full disk


def load_by(workspace: Workspace, export: Path, *by: str) -> tuple[int, str]:
    """Run `dlt pipeline metronome_export run` through a command. Return exit code and errors."""
    process = workspace.start(
        *("pipeline", "metronome_export", "run"),
        by=by,
        SOURCES__METRONOME_EXPORT__BUCKET_URL=str(export),
        LOAD__RAISE_ON_MAX_RETRIES="1",
    )
    _, error = process.communicate()
    return process.returncode, error


def at_most(kilobytes: int) -> tuple[str, ...]:
    """Return a shell in which no file can grow beyond a size."""
    return "bash", "-c", f'ulimit -f {kilobytes}; exec "$0" "$@"'


@pytest.mark.parametrize(
    ("kilobytes", "step"),
    [
        pytest.param(
            *(1, "metronome_export failed in extract: "),
            marks=fault("disk", "full while dlt works", "one line; the next run loads all"),
        ),
        pytest.param(
            *(200, "metronome_export failed in load of customer: "),
            marks=fault("disk", "full in mid-load", "one line; the next run loads all"),
        ),
    ],
)
def test_a_disk_that_is_full_stops_a_load_and_loses_nothing(
    workspace: Workspace, tmp_path: Path, kilobytes: int, step: str
):
    write_parquet(tmp_path, "product", id=["a"])
    workspace.load_export(tmp_path)
    write_parquet(tmp_path, "plan", id=["a"])
    write_parquet(tmp_path, "customer", id=[f"{number:0500}" for number in range(10_000)])
    code, error = load_by(workspace, tmp_path, *at_most(kilobytes))
    assert code == 1
    assert error.startswith(step)
    assert "File too large" in error
    assert FULL in error
    assert "Traceback" not in error
    complete = "_dlt_load_id in (select load_id from raw_export._dlt_loads where status = 0)"
    loaded = f"select path from raw_export.loaded_files where {complete}"
    assert workspace.column(loaded) == ["product/dt=2024-01-01/0_20240101060000.parquet"]

    assert load_by(workspace, tmp_path) == (0, "")
    rows = f"select count(distinct id), count(*) from raw_export.customer where {complete}"
    assert workspace.query(rows) == [(10_000, 10_000)]


# A folder that cannot be written to


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(
            "DESTINATION__DUCKDB__CREDENTIALS",
            marks=fault("disk", "the database's folder is not a folder", "one line names it"),
        ),
        pytest.param(
            "DLT_DATA_DIR", marks=fault("disk", "dlt's folder is not a folder", "one line names it")
        ),
    ],
)
def test_a_folder_that_cannot_be_is_named(workspace: Workspace, tmp_path: Path, setting: str):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=rf"^{tmp_path}/file/\S+ cannot be written to: Not a dir"):
        workspace.run(**{setting: str(tmp_path / "file" / "below" / "it")})


# A database that does not open


@pytest.fixture
def configured(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Return a database, not open, that the settings of this process lead to."""
    for name in [name for name in os.environ if name.startswith(SETTINGS)]:
        monkeypatch.delenv(name)
    for name, value in workspace.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    return workspace


def checksum(block: bytes) -> int:
    """DuckDB's checksum of a block."""
    result = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        result ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return result


def make_newer(database: Path) -> None:
    """Raise the version in the file's header of 4 KB: checksum, `DUCK`, version."""
    header = bytearray(database.read_bytes()[:4096])
    assert struct.unpack_from("<Q", header)[0] == checksum(header[8:])
    (version,) = struct.unpack_from("<Q", header, 12)
    struct.pack_into("<Q", header, 12, version + 64)
    struct.pack_into("<Q", header, 0, checksum(header[8:]))
    with database.open("r+b") as file:
        file.write(header)


def cut(database: Path) -> None:
    os.truncate(database, database.stat().st_size // 2)


def empty(database: Path) -> None:
    os.truncate(database, 0)


def write_text(database: Path) -> None:
    database.write_text("id,name\n" * 1000)


def crash(database: Path) -> Path:
    """Kill a process that changes the database. Return the log that it leaves."""
    change = """import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("create table crashed as select range as number from range(1000)")
connection.execute("insert into crashed select range from range(1000)")
os.kill(os.getpid(), 9)"""
    subprocess.run([sys.executable, "-c", change, str(database)], check=False)
    return database.with_name(f"{database.name}.wal")


def spoil_log(database: Path) -> None:
    log = crash(database)
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)


OTHERS = (
    r"does not open: .*\. It was not changed\. Restore a backup, or move the file and its .wal away"
)
NEWER = rf"was written by a newer DuckDB than {duckdb.__version__}\. Install .*and load again"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(make_newer, NEWER, marks=fault("database", "made by a newer DuckDB", STAYS)),
        pytest.param(cut, OTHERS, marks=fault("database", "cut off in the middle", STAYS)),
        pytest.param(empty, OTHERS, marks=fault("database", "empty file", STAYS)),
        pytest.param(
            write_text, OTHERS, marks=fault("database", "text instead of a database", STAYS)
        ),
        pytest.param(spoil_log, OTHERS, marks=fault("database", "its log is damaged", STAYS)),
    ],
)
def test_a_database_that_does_not_open_is_left_as_it_is(
    configured: Workspace, spoil: Callable[[Path], None], said: str
):
    database = configured.database
    spoil(database)
    before = {path.name: path.read_bytes() for path in database.parent.glob("*.duckdb*")}
    with pytest.raises(InputError, match=f"^{database} {said}") as error:
        list(load.run([]))
    assert "\n" not in str(error.value)
    after = {path.name: path.read_bytes() for path in database.parent.glob("*.duckdb*")}
    after.pop("metronome.duckdb.lock")
    assert after == before


@fault("database", "its log was cut off by a crash", "opens with the complete loads; a load works")
def test_a_log_that_was_cut_off_does_no_harm(configured: Workspace):
    log = crash(configured.database)
    os.truncate(log, log.stat().st_size - 10)
    assert list(load.run([])) == []
    assert configured.value("select count(*) from crashed") == 1000


@fault("database", "killed while it was made", "made again; a half-made file is never in its place")
def test_a_database_that_was_half_made_is_made_anew(configured: Workspace):
    configured.database.unlink()
    configured.database.with_name("metronome.duckdb.new").write_bytes(b"half")
    assert list(load.run([])) == []
    assert configured.counts("raw_export") == {}
