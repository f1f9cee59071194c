"""Test that incremental staging gives the tables of one clean load, for any order of files.

The large tables of the export are incremental. Their rows are compared with those of a full
refresh, and with those of the rule in a few lines of Python.
"""

from dataclasses import dataclass

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.end_to_end.conftest import NewRun
from tests.end_to_end.project import Run

INVOICES = "staging.stg_metronome_export__invoices"
FIRST_DAY = "timestamptz '2024-03-01 00:00:00+00'"


@dataclass(frozen=True)
class Row:
    """A row of a file: `day` is that of its `updated_at`, None if it has none."""

    invoice: str
    day: int | None
    total: int


@dataclass(frozen=True)
class Load:
    """The files of one run of the pipeline, by path, and what happens to the run.

    Attributes:
        is_killed: Whether it was stopped before its end. Its rows are in raw and do not count.
        is_staged: Whether dbt runs after it, and not only after a later load.
    """

    files: dict[str, list[Row]]
    is_killed: bool = False
    is_staged: bool = True


@dataclass(frozen=True)
class Staging:
    """A database with the raw tables, and dbt in this process."""

    run: Run

    def execute(self, *statements: str) -> list[tuple]:
        """Run some statements. Return the rows of the last one."""
        with duckdb.connect(str(self.run.database)) as connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows

    def build(self, *options: str) -> None:
        """Build the table of invoices."""
        models = ("stg_metronome_export__loaded_files", INVOICES.split(".")[1])
        self.run.build("--select", *models, *options, "--no-write-json", command="run")

    def clear(self) -> None:
        """Forget all loads, and what was built of them."""
        raw = ("invoice", "loaded_files", "_dlt_loads")
        self.execute(
            *(f"delete from raw_export.{table}" for table in raw),
            f"drop table if exists {INVOICES}",
        )

    def add(self, number: int, loaded: Load) -> None:
        """Append a load's rows to raw, and that it is complete, unless it was killed before."""
        statements: list[str] = []
        for path, rows in loaded.files.items():
            for row in rows:
                day = "null" if row.day is None else f"{FIRST_DAY} + to_days({row.day})"
                statements.append(
                    "insert into raw_export.invoice "
                    "(id, total, updated_at, _transferred_at, _file, _dlt_load_id) values "
                    f"('{row.invoice}', {row.total}, {day}, {FIRST_DAY}, '{path}', '{number}')"
                )
            statements.append(
                "insert into raw_export.loaded_files "
                "(root, path, table_name, _dlt_load_id, _dlt_id) "
                f"values ('export', '{path}', 'invoice', '{number}', uuid())"
            )
        if not loaded.is_killed:
            statements.append(
                "insert into raw_export._dlt_loads (load_id, schema_name, status, inserted_at) "
                f"values ('{number}', 'metronome_export', 0, {FIRST_DAY})"
            )
        self.execute("begin", *statements, "commit")

    def rows(self) -> list[tuple]:
        """Return all rows of the table of invoices."""
        return self.execute(f"select * from {INVOICES} order by invoice_id")

    def totals(self) -> dict[str, int]:
        """Return the total of each invoice."""
        found = self.execute(f"select invoice_id, cast(total as integer) from {INVOICES}")
        assert len(dict(found)) == len(found)
        return dict(found)


@pytest.fixture(scope="module")
def staging(new_run: NewRun, tmp_path_factory: pytest.TempPathFactory) -> Staging:
    return Staging(new_run(tmp_path_factory.mktemp("staging"), {}))


def newest_totals(loads: list[Load]) -> dict[str, int]:
    """Return the totals by the rule: newest complete version of each file, then newest row."""
    files: dict[str, list[Row]] = {}
    for loaded in loads:
        if not loaded.is_killed:
            files |= loaded.files
    rows = [(row.day or -1, path, row) for path, rows in files.items() for row in rows]
    return {row.invoice: row.total for *_, row in sorted(rows, key=lambda found: found[:2])}


def some_rows() -> st.SearchStrategy[list[Row]]:
    rows = st.builds(
        Row,
        invoice=st.sampled_from([f"invoice {number}" for number in range(8)]),
        day=st.none() | st.integers(1, 4),
        total=st.integers(0, 9),
    )
    return st.lists(rows, max_size=5, unique_by=lambda row: row.invoice)


def some_loads() -> st.SearchStrategy[list[Load]]:
    files = st.dictionaries(st.sampled_from("abcdef"), some_rows(), max_size=4)
    loads = st.builds(Load, files, is_killed=st.booleans(), is_staged=st.booleans())
    return st.lists(loads, min_size=3, max_size=4)


@example(
    [
        Load(
            {
                "a": [Row("moves", 2, 1), Row("goes", 3, 1), Row("leaves", 3, 1)],
                "b": [Row("leaves", 1, 2)],
            }
        ),
        Load({"c": [Row("late", 1, 1), Row("moves", 1, 9)]}),
        Load({"a": []}, is_staged=False),
        Load({"b": [Row("leaves", 1, 3)]}, is_killed=True),
    ]
)
@settings(
    max_examples=2,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(loads=some_loads())
def test_files_in_any_order_end_in_the_same_table(staging: Staging, loads: list[Load]) -> None:
    """Late, repeated, back-filled, changed and emptied files, and loads that were killed."""
    staging.clear()
    for number, loaded in enumerate(loads):
        staging.add(number, loaded)
        if loaded.is_staged or number == len(loads) - 1:
            staging.build()
            assert staging.totals() == newest_totals(loads[: number + 1])
    grown = staging.rows()
    staging.build("--full-refresh")
    assert staging.rows() == grown
