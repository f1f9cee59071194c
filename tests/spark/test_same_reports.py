"""`make reports` and `make spark-reports` give the sandbox the same reports, pages and tables.

Run it by `make test-spark`, which makes both first.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from filecmp import cmpfiles
from typing import Any

import duckdb
import pytest

from tests.end_to_end.project import ROOT
from tests.spark.engines import SANDBOX_NAMES, relations, stored_differences

REPORTS = {
    engine: ROOT / "reports" / name
    for engine, name in (("duckdb", "sandbox"), ("spark", "sandbox-spark"))
}
DATABASE = ROOT / "data" / "sandbox" / "metronome.duckdb"
WAREHOUSE = ROOT / "data" / "sandbox-spark" / "metronome.duckdb.spark" / "warehouse"


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Any]]:
    """`run.json` by engine."""
    return {
        engine: json.loads((folder / "run.json").read_text(encoding="utf-8"))
        for engine, folder in REPORTS.items()
    }


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as memory:
        memory.execute("set timezone = 'UTC'")
        memory.execute(f"attach '{DATABASE}' as metronome (read_only)")
        yield memory


def test_the_reports_are_the_same_bytes(runs: dict[str, dict[str, Any]]):
    names = [*runs["duckdb"]["reports"]]
    assert len(names) > 5
    same, *_ = cmpfiles(REPORTS["duckdb"], REPORTS["spark"], names, shallow=False)
    assert same == names


def test_the_pages_are_the_same_bytes(runs: dict[str, dict[str, Any]]):
    assert runs["duckdb"]["pages"] == runs["spark"]["pages"]


def test_each_run_names_its_engine_and_had_the_same_tests(runs: dict[str, dict[str, Any]]):
    own = {"engine", "versions", "times"}
    left, right = ({k: v for k, v in run.items() if k not in own} for run in runs.values())
    assert left == right
    assert [run["engine"] for run in runs.values()] == ["duckdb", "spark"]
    assert "pyspark" in runs["spark"]["versions"]


def test_with_nothing_new_nothing_is_built(runs: dict[str, dict[str, Any]]):
    database = WAREHOUSE.parent.with_suffix("")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pipelines.publish", str(REPORTS["spark"]), "--"),
            *(".venv/bin/dbt", "build", "--selector", "reports"),
            *("--exclude-resource-type", "unit_test", "--quiet"),
        ],
        cwd=ROOT,
        env=os.environ
        | SANDBOX_NAMES
        | {
            "DBT_TARGET": "spark",
            "DBT_TARGET_PATH": f"{database}.target",
            "DESTINATION__DUCKDB__CREDENTIALS": str(database),
        },
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("Nothing has changed"), done.stderr


def test_every_cell_is_the_same(connection: duckdb.DuckDBPyConnection):
    found = [
        (schema, name, WAREHOUSE / f"{schema}.db" / name)
        for schema, name in relations(connection)
        if schema in ("marts", "reports") or (WAREHOUSE / f"{schema}.db" / name).exists()
    ]
    assert len([name for schema, name, _ in found if schema == "marts"]) > 20
    different = [
        text
        for schema, name, path in found
        for text in stored_differences(connection, schema, name, path)
    ]
    assert not different, "\n".join(different[:20])
