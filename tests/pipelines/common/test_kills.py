"""Loads that are killed (-9) anywhere: the next needs no help, and ends as if nothing had been."""

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.api.server import running
from sandbox.billing.simulate import simulate
from sandbox.core.records import to_text
from sandbox.export.writer import write_export
from tests.pipelines.conftest import ROOT, TOKEN, NewWorkspace, Workspace

KILLS = 6
FEBRUARY = datetime(2024, 2, 10, tzinfo=UTC)
TABLES = {"customer", "draft_invoice", "invoice", "line_item", "plan_charge", "product"}

Rows = dict[str, list[tuple]]


@dataclass(frozen=True)
class Loads:
    """A small account's export and API, and the tables of an undisturbed load."""

    settings: dict[str, str]
    operations: int
    rows: Rows


@pytest.fixture(scope="module")
def loads(new_workspace: NewWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    account = simulate(as_of=FEBRUARY)
    export = tmp_path_factory.mktemp("export")
    for file in write_export(account, export):
        if file.relative_to(export).parts[0] not in TABLES:
            file.unlink()
    with running(account, TOKEN) as url:
        settings = {
            "SOURCES__METRONOME_EXPORT__BUCKET_URL": str(export),
            "METRONOME_BASE_URL": url,
            "METRONOME_BEARER_TOKEN": TOKEN,
            "SOURCES__METRONOME_API__AS_OF": to_text(FEBRUARY),
            "SOURCES__METRONOME_API__SELECT": '["invoices"]',
        }
        undisturbed = new_workspace()
        assert load(undisturbed, "0", settings) == 0
        operations = Path(f"{undisturbed.database}.wal.operations").read_text()
        yield Loads(settings, int(operations), rows(undisturbed))


def load(workspace: Workspace, moment: str, settings: dict[str, str]) -> int:
    """Run `dlt pipeline run`, killed at a moment. Return its exit code."""
    process = workspace.start(
        *("pipeline", "run"),
        by=(sys.executable, "-P", ROOT / "tests/killed.py", moment, f"{workspace.database}.wal"),
        **settings,
    )
    process.communicate()
    return process.returncode


def rows(workspace: Workspace) -> Rows:
    """Return the rows that count: all rows of the API, and those of the export's complete loads."""
    complete = "select load_id from raw_export._dlt_loads where status = 0"
    return workspace.facts("raw_api") | {
        table: workspace.query(
            "select columns(name -> not starts_with(name, '_dlt')) "
            f"from raw_export.{table} where _dlt_load_id in ({complete}) order by all"
        )
        for table in (*TABLES, "loaded_files")
    }


def moments(operations: int) -> Iterator[str]:
    """Yield a moment in each part of the run. Every other one is a write of the database's log."""
    source = random.Random(5)
    for number in range(KILLS):
        operation = int(operations * (number + source.random()) / KILLS)
        yield f"{operation}+" if number % 2 else f"{operation}"


@pytest.mark.fault(
    "process",
    f"kill -9 in extract, normalize and load of both sources, {KILLS} times",
    "the next run works and gives the same tables",
    runs=KILLS,
)
def test_the_next_load_after_a_kill_ends_in_the_same_tables(
    loads: Loads, new_workspace: NewWorkspace, tmp_path: Path
):
    killed = 0
    for number, moment in enumerate(moments(loads.operations)):
        workspace = new_workspace()
        if number % 4 == 2:  # the very first run, which makes the database and its tables
            workspace = Workspace(tmp_path / f"{number}.duckdb", tmp_path / f"{number}")
        killed += load(workspace, moment, loads.settings) == -9
        workspace.run("metronome_export", "metronome_api", **loads.settings)
        assert rows(workspace) == loads.rows, moment
    assert killed >= KILLS - 2  # a moment can be too late
