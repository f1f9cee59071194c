"""`table` and `view` of macros/materializations.sql replace a relation, or leave it as it was."""

from pathlib import Path

import pytest

from tests.end_to_end.project import Run, RunError

KINDS = "select table_type from information_schema.tables where table_name = '{}'"
TABLE, VIEW = "stg_metronome_export__customers", "stg_metronome_api__plans"


@pytest.fixture
def run(both: Run, tmp_path: Path) -> Run:
    return both.copy(tmp_path)


def test_a_model_that_fails_leaves_its_old_table_or_view(run: Run):
    rows = run.query(f"from staging.{TABLE} order by all")
    views = run.query(f"select sql from duckdb_views() where view_name = '{VIEW}'")
    assert (len(rows) > 0, len(views)) == (True, 1)
    run.execute("alter table raw_export.customer drop column name")
    run.execute("alter table raw_api.plans drop column name")
    with pytest.raises(RunError, match=r'(?s)"name" not found.*"name" not found'):
        run.build("--select", TABLE, VIEW)
    assert run.query(f"from staging.{TABLE} order by all") == rows
    assert run.query(f"select sql from duckdb_views() where view_name = '{VIEW}'") == views


def test_a_table_becomes_a_view_and_a_view_a_table(run: Run):
    rows = run.query(f"select count(*) from staging.{TABLE}")
    run.execute(f"drop table staging.{TABLE}")
    run.execute(f"drop view staging.{VIEW}")
    run.execute(f"create view staging.{TABLE} as select 1 as one")
    run.execute(f"create table staging.{VIEW} as select 1 as one")
    run.build("--select", TABLE, VIEW)
    assert run.query(f"select count(*) from staging.{TABLE}") == rows
    assert run.query(KINDS.format(TABLE)) == [("BASE TABLE",)]
    assert run.query(KINDS.format(VIEW)) == [("VIEW",)]
