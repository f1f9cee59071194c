"""Every cell of every table is equal on both engines, for amounts of up to 18 decimals.

The amounts of a small account get 16 to 18 decimals, also those in JSON. An operation that rounds
on either engine then changes a digit.
"""

from datetime import UTC, datetime
from filecmp import cmpfiles
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from pipelines.spark.landing import create_tables
from pipelines.spark.session import warehouse_folder
from pipelines.spark.views import raw_tables, unload
from sandbox.billing.simulate import simulate
from sandbox.export.writer import write_export
from tests.end_to_end.conftest import api_settings
from tests.end_to_end.project import MODELS, ROOT, Run, parse
from tests.spark.conftest import DATABASE
from tests.spark.engines import build_on_spark, differences, relations, settings

AS_OF = datetime(2024, 2, 12, tzinfo=UTC)
ARGUMENTS = {
    "as_of": "2024-02-12",
    "month": "2024-01",
    "customer": "",
    "usage_from": "2024-01-01",
    "usage_to": "2024-01-31",
}

FACTOR = "cast(1007.000000000000001 as decimal(19, 15))"
LONGER = f"cast(cast({{0}} as decimal(19, 3)) * {FACTOR} as decimal(38, 18))"
"""Turns a decimal with 3 decimals into one with 18."""

LONGER_JSON = """
    cast(
        regexp_replace(
            cast({0} as varchar),
            '"(amount|total|subtotal|balance|price|unit_price)": ?(-?[0-9]+)([.][0-9]+)?([,}}])',
            '"\\1":\\2.123456789012345678\\4',
            'g'
        ) as json
    )
"""
"""Gives the amounts in JSON 18 decimals."""


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    """Return a run with the raw tables of a small account, with long amounts."""
    account = simulate(as_of=AS_OF)
    write_export(account, folder / "export")
    parsed = folder / "parsed"
    parsed.mkdir()
    parse(parsed, "data/sandbox/metronome.duckdb", ROOT / "data/sandbox/metronome.duckdb.target")
    with api_settings(account) as api:
        run = Run(
            folder,
            parsed,
            api | {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(folder / "export")},
        )
        run.load()
    assert run.database.name == DATABASE
    with duckdb.connect(str(run.database)) as connection:
        for (schema, table), columns in raw_tables(connection).items():
            changed = [
                f'"{column}" = {LONGER.format(quoted)}'
                if data_type.startswith("DECIMAL")
                else f'"{column}" = {LONGER_JSON.format(quoted)}'
                for column, data_type in columns.items()
                if data_type.startswith("DECIMAL") or data_type == "JSON"
                for quoted in [f'"{column}"']
            ]
            if changed:
                connection.execute(f'update {schema}."{table}" set {", ".join(changed)}')
    return run


@pytest.fixture(scope="module")
def built(run: Run, spark: SparkSession) -> Path:
    """Return the folder of both databases, built by dbt with the same arguments.

    Spark generates code and replans queries here. `make spark-reports` on the sandbox does neither.
    """
    with duckdb.connect(str(run.database)) as connection:
        connection.execute("set timezone = 'UTC'")
        tables = [
            unload(connection, schema, table, columns, run.folder / "unloaded")
            for (schema, table), columns in raw_tables(connection).items()
        ]
        create_tables(spark, connection, tables)
    reports = ("--selector", "reports", *MODELS)
    run.build(*reports, **ARGUMENTS)
    build_on_spark(run.folder, "build", *reports, **ARGUMENTS)
    return run.folder


@pytest.fixture(scope="module")
def connection(built: Path) -> duckdb.DuckDBPyConnection:
    memory = duckdb.connect()
    memory.execute("set timezone = 'UTC'")
    memory.execute(f"attach '{built / DATABASE}' as metronome (read_only)")
    return memory


def test_the_amounts_are_long(connection: duckdb.DuckDBPyConnection):
    """Without long amounts the next tests prove nothing."""
    for table, amount in (
        ("marts.fct_invoice_lines", "amount"),
        ("marts.fct_balance_ledger", "amount"),
        ("marts.fct_balances", "balance_amount"),
        ("marts.fct_recognized_revenue", "recognized_amount"),
    ):
        ((decimals,),) = connection.execute(
            f"select max(length(rtrim(split_part({amount}::varchar, '.', 2), '0'))) "
            f"from metronome.{table}"
        ).fetchall()
        assert decimals >= 16, table


def test_every_cell_is_equal(built: Path, connection: duckdb.DuckDBPyConnection):
    found = relations(connection)
    warehouse = warehouse_folder()
    assert len(found) > 130
    different = [
        text
        for schema, name in found
        for text in differences(connection, schema, name, warehouse / f"{schema}.db" / name)
    ]
    assert not different, "\n".join(different[:20])


def test_dbts_unit_tests_pass_on_spark(built: Path):
    """Their rows are few: to generate code takes longer than it saves. The build generates it."""
    with settings(SPARK_CODEGEN="false", SPARK_ADAPTIVE="false", SPARK_PARTITIONS="1"):
        build_on_spark(built, "test", "--select", "test_type:unit", **ARGUMENTS)


def test_the_reports_are_the_same_bytes(built: Path):
    folders = [built / "reports", built / "spark" / "reports"]
    names = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    assert names[0] == names[1]
    assert len(names[0]) > 5
    assert cmpfiles(*folders, names[0], shallow=False)[0] == names[0]
