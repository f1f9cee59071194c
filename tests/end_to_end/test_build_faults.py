"""A build that is killed, locked out or finds no room: the next one ends in the same reports."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from sandbox.billing.simulate import simulate
from sandbox.export.writer import write_export
from tests.end_to_end.conftest import NewRun
from tests.end_to_end.project import ROOT, Run, RunError

KILLS = 3
FEBRUARY = datetime(2024, 2, 10, tzinfo=UTC)
TABLES = {"customer", "events", "invoice"}
ARGUMENTS = {"as_of": "2024-02-10", "month": "2024-01", "customer": ""}
REPORT = (
    *("--select", "+rpt_usage_by_property"),
    *("--exclude", "resource_type:test", "resource_type:unit_test"),
)

fault = pytest.mark.fault


@dataclass(frozen=True)
class Builds:
    """A database that was built, with files loaded since, and what the next build makes of it."""

    run: Run
    loaded: Path
    operations: int
    undisturbed: dict[str, Any]

    def restore(self) -> None:
        """Put the database back in its place, as it was before the next build."""
        self.run.database.with_name(f"{self.run.database.name}.wal").unlink(missing_ok=True)
        shutil.copy(self.loaded, self.run.database)
        shutil.rmtree(self.run.reports)
        self.run.reports.mkdir()


def contents(run: Run) -> dict[str, Any]:
    """Return the rows of all that dbt made, and the bytes of the reports."""
    with duckdb.connect(str(run.database), read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where not starts_with(table_schema, 'raw_')"
        ).fetchall()
        rows = {
            name: sorted(map(repr, connection.execute(f"from {name}").fetchall()))
            for (name,) in names
        }
    return rows | {path.name: path.read_bytes() for path in run.reports.iterdir()}


@pytest.fixture(scope="module")
def builds(new_run: NewRun, tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Prepare two builds. Between them, new files arrive, and one file loses a row."""
    folder = tmp_path_factory.mktemp("builds")
    export, later = folder / "export", folder / "later"
    settings = {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(export)}
    files = [
        file
        for file in write_export(simulate(as_of=FEBRUARY), later)
        if file.relative_to(later).parts[0] in TABLES
    ]
    for file in files:
        if file.parent.name < "dt=2024-02":
            put(file, export / file.relative_to(later))
    run = new_run(folder, settings)
    run.load()
    run.build(*REPORT, **ARGUMENTS)
    for file in files:
        put(file, export / file.relative_to(later))
    changed = min((export / "events").rglob("*.parquet"))
    pq.write_table(pq.read_table(changed)[1:], changed)
    run.load()

    loaded = folder / "loaded.duckdb"
    shutil.copy(run.database, loaded)
    run.build_by(*killed_at("0", run), options=REPORT, **ARGUMENTS)
    operations = Path(f"{run.database}.wal.operations").read_text()
    return Builds(run, loaded, int(operations), contents(run))


def put(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, to)


def killed_at(moment: str, run: Run) -> tuple[str, ...]:
    """Return the arguments that run a command and kill it at a moment."""
    return sys.executable, "-P", str(ROOT / "tests/killed.py"), moment, f"{run.database}.wal"


def moments(operations: int) -> Iterator[str]:
    """Yield a moment in each part of the build. Every other one is a write of the database log."""
    source = random.Random(5)
    for number in range(KILLS):
        operation = int(operations * (number + source.random()) / KILLS)
        yield f"{operation}+" if number % 2 else f"{operation}"


@fault(
    "process",
    f"kill -9 in a build that adds to staging, {KILLS} times",
    "the next build works and gives the same tables and report",
    runs=KILLS,
)
def test_the_next_build_after_a_kill_ends_in_the_same_report(builds: Builds):
    assert "usage_by_property.csv" in builds.undisturbed
    for moment in moments(builds.operations):
        builds.restore()
        with pytest.raises(RunError) as killed:
            builds.run.build_by(*killed_at(moment, builds.run), options=REPORT, **ARGUMENTS)
        assert killed.value.code == -9, str(killed.value)
        builds.run.build(*REPORT, **ARGUMENTS)
        assert contents(builds.run) == builds.undisturbed, moment


@fault("lock", "dbt: the database is open", "waits, then names the holder; nothing is written")
def test_dbt_names_who_has_the_database(builds: Builds):
    hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    builds.run.settings["LOCK_WAIT_SECONDS"] = "1"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(builds.run.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        holder.stdout.readline()
        before = builds.run.database.read_bytes()
        with pytest.raises(RunError, match=rf"Conflicting lock is held in .*\(PID {holder.pid}\)"):
            builds.run.build("--select", "rpt_usage_by_property", **ARGUMENTS)
        assert builds.run.database.read_bytes() == before
        holder.communicate(b"\n")


@fault(
    "disk", "full while a report is written", "the last one stays; the build fails with one line"
)
def test_a_report_that_finds_no_room_leaves_the_last_one(builds: Builds):
    report = builds.run.reports / "usage_by_property.csv"
    before = report.read_bytes()
    half = report.with_name(f"tmp_{report.name}")
    half.symlink_to("/dev/full")
    with pytest.raises(RunError, match="No space left on device"):
        builds.run.build("--select", "rpt_usage_by_property", **ARGUMENTS)
    half.unlink(missing_ok=True)
    assert report.read_bytes() == before
    builds.run.build("--select", "rpt_usage_by_property", **ARGUMENTS)
    assert report.read_bytes() == before
