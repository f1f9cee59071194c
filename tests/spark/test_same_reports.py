"""`make reports` and `make spark-reports` give the sandbox the same reports, pages and tables.

Run it by `make test-spark`, which makes both first.
"""

import json
from collections.abc import Iterator
from filecmp import cmpfiles
from typing import Any

import duckdb
import pytest

from pipelines.publish.selection import last_published_run, project_checksum, raw_state, select
from pipelines.publish.warehouse import SparkWarehouse
from tests.end_to_end.project import ROOT
from tests.spark.engines import differences, relations, settings

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
    """The front page names the versions, and those of Spark are more."""
    pages = [run["pages"] for run in runs.values()]
    left, right = ({k: v for k, v in found.items() if k != "index.html"} for found in pages)
    assert len(left) > 100
    assert left == right
    left, right = (
        [
            line
            for line in (folder / "index.html").read_text(encoding="utf-8").splitlines()
            if "<dt>Versions</dt>" not in line
        ]
        for folder in REPORTS.values()
    )
    assert left == right


def test_each_run_names_its_engine_and_had_the_same_tests(runs: dict[str, dict[str, Any]]):
    own = {"engine", "pages", "versions", "times"}
    left, right = ({k: v for k, v in run.items() if k not in own} for run in runs.values())
    assert left == right
    assert [run["engine"] for run in runs.values()] == ["duckdb", "spark"]
    assert "pyspark" in runs["spark"]["versions"]


def test_with_nothing_new_nothing_is_to_be_built():
    database = WAREHOUSE.parent.with_suffix("")
    with settings(DESTINATION__DUCKDB__CREDENTIALS=str(database)):
        built = SparkWarehouse(database)
        with duckdb.connect(str(database), read_only=True) as connection:
            raw = raw_state(connection, built)
            last = last_published_run(connection, project_checksum(built), built)
    assert last
    assert select(last, last.command, last.arguments, raw).is_empty
    changed = raw | {"source.metronome.raw_export.customer": [0]}
    assert "stg_metronome_export__customers+" in (
        select(last, last.command, last.arguments, changed).command
    )


def test_every_cell_is_the_same(connection: duckdb.DuckDBPyConnection):
    found = [
        (schema, name, WAREHOUSE / f"{schema}.db" / name)
        for schema, name in relations(connection)
        if schema != "staging"  # its tables have ids of loads, which differ between runs
    ]
    assert len([name for schema, name, _ in found if schema == "marts"]) > 20
    different = [
        text for schema, name, path in found for text in differences(connection, schema, name, path)
    ]
    assert not different, "\n".join(different[:20])
