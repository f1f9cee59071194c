"""The snapshot is a copy of the database, and a reader of it never blocks a run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from explore.snapshot import connect, take
from pipelines.common.database import lock_file
from pipelines.common.errors import InputError
from pipelines.common.locks import InUseError, held

MARTS = "create schema marts; create schema reports; create table marts.a as select 1 as x; "
VIEW = "create view reports.b as select x from metronome.marts.a"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small database with marts and reports. Nobody waits for a lock."""
    monkeypatch.setenv("LOCK_WAIT_SECONDS", "0")
    file = tmp_path / "metronome.duckdb"
    _execute(file, MARTS + VIEW)
    return file


def test_the_snapshot_has_the_rows_of_the_database(database: Path, snapshot: Path):
    assert snapshot.read_bytes() == database.read_bytes()
    with connect(snapshot) as copy:
        assert copy.execute("select count(*) from reports.rpt_customer_summary").fetchone() > (0,)


def test_a_reader_of_the_snapshot_does_not_block_a_writer(small: Path):
    with connect(take(small)) as reader:
        _execute(small, "insert into marts.a values (2)")
        take(small)
        assert reader.execute("select x from reports.b").fetchall() == [(1,)]
    with connect(take(small)) as newer:
        assert newer.execute("select x from reports.b").fetchall() == [(1,), (2,)]


def test_an_unchanged_database_is_not_copied_again(small: Path):
    first = take(small).stat()
    assert take(small).stat().st_ino == first.st_ino
    _execute(small, "insert into marts.a values (2)")
    assert take(small).stat().st_ino != first.st_ino


def test_the_rows_of_a_killed_writer_are_in_the_snapshot(small: Path):
    code = (
        "import duckdb, os; connection = duckdb.connect(os.environ['FILE']); "
        "connection.execute('insert into marts.a values (3)'); os._exit(9)"
    )
    environment = {**os.environ, "FILE": str(small)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 9
    assert small.with_name("metronome.duckdb.wal").exists()
    with connect(take(small)) as copy:
        assert copy.execute("select x from marts.a order by x").fetchall() == [(1,), (3,)]
    assert sorted(file.name for file in small.parent.glob("*.snapshot*")) == [
        "metronome.duckdb.snapshot"
    ]


def test_a_database_in_use_gives_the_snapshot_from_before(
    small: Path, capsys: pytest.CaptureFixture[str]
):
    with held(lock_file(small), "the database"), pytest.raises(InUseError, match=r"in use by PID"):
        take(small)
    before = take(small)
    _execute(small, "insert into marts.a values (2)")
    with held(lock_file(small), "the database"):
        assert take(small) == before
    assert "The previous snapshot is opened." in capsys.readouterr().out


def test_a_copy_that_fails_leaves_the_snapshot_from_before(
    small: Path, monkeypatch: pytest.MonkeyPatch
):
    take(small)
    _execute(small, "insert into marts.a values (2)")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(InputError, match="cannot be written to: No space left"):
        take(small)
    with connect(small.with_name("metronome.duckdb.snapshot")) as copy:
        assert copy.execute("select x from marts.a").fetchall() == [(1,)]


def test_a_snapshot_is_read_only_and_reads_no_other_file(small: Path, tmp_path: Path):
    (tmp_path / "other.csv").write_text("a\n1\n")
    with connect(take(small)) as copy:
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            copy.execute("insert into marts.a values (2)")
        with pytest.raises(duckdb.PermissionException):
            copy.execute(f"select * from '{tmp_path}/other.csv'")


def test_without_a_database_or_marts_it_says_what_to_run(tmp_path: Path):
    with pytest.raises(InputError, match=r"no database .*run `make reports`"):
        take(tmp_path / "metronome.duckdb")
    _execute(tmp_path / "metronome.duckdb", "create schema raw_api")
    with pytest.raises(InputError, match="no marts and reports yet: run `make reports`"):
        take(tmp_path / "metronome.duckdb")


def _execute(file: Path, sql: str) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute(sql)
