"""Spark's raw tables have the same rows as DuckDB's, for all kinds of files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from pipelines import load
from pipelines.metronome_export import NAME, TABLES
from pipelines.metronome_export.export_tables import OWN_TABLES
from pipelines.spark import data_folder
from pipelines.spark.in_place import SparkFiles
from pipelines.spark.landing import COPIES, land, remove_half_tables
from pipelines.spark.views import EXPORT, counting_files, file_views, raw_tables, record_files
from sandbox.core.account import Account
from tests.end_to_end.conftest import api_settings
from tests.pipelines.conftest import write_csv, write_parquet
from tests.spark.conftest import DATABASE
from tests.spark.engines import settings

URL = "SOURCES__METRONOME_EXPORT__BUCKET_URL"
COUNTING = """
select * exclude (_dlt_load_id) from {table} where (_file, _dlt_load_id) in (
    select (path, max(_dlt_load_id)) from raw_export.loaded_files group by path
)
"""
"""The rows of the newest versions of files."""


@dataclass(frozen=True)
class Databases:
    """An export, and a database per engine."""

    export: Path
    duckdb: Path
    spark: Path

    def load(self, engine: str, run: Callable[[], object]) -> None:
        """Load on an engine. The notes list what is left out."""
        database = {"duckdb": self.duckdb, "spark": self.spark}[engine]
        with settings(
            DESTINATION__DUCKDB__CREDENTIALS=str(database),
            DLT_DATA_DIR=f"{database}.dlt",
            **{URL: str(self.export), f"{URL[:-10]}ACCEPT_INCOMPLETE": "true"},
        ):
            run()


@pytest.fixture
def databases(tmp_path: Path) -> Databases:
    for name in ("export", "duckdb", "spark"):
        (tmp_path / name).mkdir()
    return Databases(
        tmp_path / "export", tmp_path / "duckdb" / DATABASE, tmp_path / "spark" / DATABASE
    )


def different(connection: duckdb.DuckDBPyConnection, query: str, rows: pa.Table) -> int:
    """Count the rows that only one of a query and a Spark table has. Compares columns by name."""
    own = [
        name
        for name, *_ in connection.execute(f"describe {query}").fetchall()
        if not name.startswith("_dlt")
    ]
    assert own == [name for name in rows.column_names if not name.startswith("_dlt")]
    columns = ", ".join(f'"{name}"' for name in own)
    left, right = f"select {columns} from ({query})", f"select {columns} from rows"
    ((count,),) = connection.execute(
        f"select (select count(*) from ({left} except all {right})) "
        f"+ (select count(*) from ({right} except all {left}))"
    ).fetchall()
    return count


def test_every_raw_table_is_what_dlt_landed(
    databases: Databases, spark: SparkSession, account: Account, export_folder: Path
):
    databases.export.rmdir()
    databases.export.symlink_to(export_folder)
    databases.load("duckdb", lambda: list(load.run([NAME])))
    with api_settings(account) as given, settings(**given):
        databases.load("spark", lambda: list(land()))
    rows = 0
    with duckdb.connect(str(databases.spark)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach '{databases.duckdb}' as by_dlt (read_only)")
        for schema, name in raw_tables(connection):
            if name == "file_reads":
                continue
            in_files = schema == EXPORT and name not in OWN_TABLES and not name.startswith("_dlt")
            query = f'from {"by_dlt." if in_files else ""}{schema}."{name}"'
            found = spark.table(f"{schema}.`{name}`").toArrow()
            assert different(connection, query, found) == 0, name
            rows += found.num_rows
    assert rows > 100_000


def test_a_table_that_a_killed_build_left_is_removed(folder: Path, spark: SparkSession):
    """Spark refuses to create a table where files are."""
    warehouse = folder / f"{DATABASE}.spark" / "warehouse"
    spark.sql("create schema if not exists scratch")
    spark.sql("create table scratch.whole as select 1 as id")
    half = warehouse / "scratch.db" / "half" / "_temporary"
    half.mkdir(parents=True)
    (half / "part.parquet").touch()
    with pytest.raises(PySparkException, match="LOCATION_ALREADY_EXISTS"):
        spark.sql("create table scratch.half as select 1 as id")
    remove_half_tables(spark, warehouse)
    spark.sql("create table scratch.half as select 1 as id")
    assert spark.table("scratch.whole").count() == 1


def spark_rows(databases: Databases, spark: SparkSession) -> dict[str, pa.Table]:
    """Load on Spark. Return the rows of the export's tables that are not empty."""
    found = {}

    def run() -> None:
        export = SparkFiles(data_folder() / COPIES)
        list(load.run([NAME], in_place=export))
        with duckdb.connect(str(databases.spark)) as connection:
            connection.execute("set timezone = 'UTC'")
            files = counting_files(connection, export)
            record_files(
                connection, [(row["table_name"], row["path"], row["copy"]) for row in files]
            )
            tables = {
                name: columns
                for (schema, name), columns in raw_tables(connection).items()
                if schema == EXPORT and name in {file["table_name"] for file in files}
            }
            views = file_views(connection, tables, files, export, data_folder() / "unloaded")
        for view in views:
            found[view.name] = spark.sql(view.definition.removeprefix("as ")).toArrow()

    databases.load("spark", run)
    return {name: rows for name, rows in found.items() if rows.num_rows}


def assert_equal(databases: Databases, spark: SparkSession) -> dict[str, pa.Table]:
    """Load on both engines, and compare rows and notes. Return Spark's rows."""
    databases.load("duckdb", lambda: list(load.run([NAME])))
    found = spark_rows(databases, spark)
    with duckdb.connect(str(databases.duckdb)) as connection:
        connection.execute("set timezone = 'UTC'")
        tables = {name for schema, name in raw_tables(connection) if schema == EXPORT}
        for name in tables - OWN_TABLES - {n for n in tables if n.startswith("_dlt")}:
            query = COUNTING.format(table=f'raw_export."{name}"')
            rows = connection.execute(f"select count(*) from ({query})").fetchone()[0]
            assert (rows > 0) == (name in found), name
            assert not rows or different(connection, query, found[name]) == 0, name
        connection.execute(f"attach '{databases.spark}' as other (read_only)")
        notes = "select kind, table_name, column_name, path, message from {}raw_export.load_notes"
        assert not connection.execute(
            f"{notes.format('')} except all {notes.format('other.')}"
        ).fetchall()
    return found


def test_other_types_files_and_tables_are_the_same(databases: Databases, spark: SparkSession):
    """What Spark cannot read exactly is copied; what is bad is left out by the same rules."""
    export = databases.export
    write_parquet(
        export, "customer", id=["a", ""], name=["É", None], custom_fields=['{"k": 1}', None]
    )
    write_parquet(export, "customer", part=1, id=["b"], custom_fields=["{k=v}"], colour=["red"])
    write_parquet(export, "customer", part=2, id=["c"], tags=[[1, 2]], archived_at=["2024-01-02"])
    write_parquet(export, "customer", "2024-01-03", id=[7], environment_type=["PRODUCTION"])
    write_parquet(export, "invoice", id=["i"], total=[0.1])
    write_parquet(export, "invoice", part=1, id=["j"], total=pa.array([3], pa.int32()))
    write_parquet(export, "a spare/invoice", id=["k"], total=["12.5"])
    write_csv(export, "plan", "id,name,starting_on", "p,One,2024-01-01 00:00:00 UTC", ",,")
    write_parquet(export, "todo", id=["t"], done=[True])
    good = write_parquet(export, "events", transaction_id=["e"] * 1000)
    bad = good.with_name("1_20240101060000.parquet")
    bad.write_bytes(b"PAR1" + b"\xff" * 100 + good.read_bytes()[104:])
    (export / "notes.txt").write_text("no rows")

    found = assert_equal(databases, spark)
    assert {"customer", "invoice", "plan", "todo", "events"} == found.keys()
    assert found["customer"].num_rows == 5
    with duckdb.connect(str(databases.spark)) as connection:
        copied = connection.execute(
            "select table_name, count(*) from raw_export.file_reads where copy is not null "
            "group by table_name order by table_name"
        ).fetchall()
    assert copied == [("customer", 3), ("invoice", 2), ("plan", 1), ("todo", 1)]


def test_a_changed_file_counts_once(databases: Databases, spark: SparkSession):
    write_parquet(databases.export, "customer", id=["a", "b"])
    write_csv(databases.export, "plan", "id", "p")
    assert_equal(databases, spark)
    write_parquet(databases.export, "customer", id=["a", "b", "c"])
    write_parquet(databases.export, "customer", "2024-01-02", id=["d"])
    write_csv(databases.export, "plan", "id", "p", "q")
    found = assert_equal(databases, spark)
    assert {name: rows.num_rows for name, rows in found.items()} == {"customer": 4, "plan": 2}


def test_a_file_that_is_gone_is_left_out_and_noted(databases: Databases, spark: SparkSession):
    """DuckDB has its rows, Spark has not: they were in the file."""
    write_parquet(databases.export, "customer", id=["a"])
    gone = write_parquet(databases.export, "customer", "2024-01-02", id=["b"])
    spark_rows(databases, spark)
    gone.unlink()
    assert spark_rows(databases, spark)["customer"]["id"].to_pylist() == ["a"]
    with duckdb.connect(str(databases.spark)) as connection:
        ((kind, path),) = connection.execute(
            "select kind, path from raw_export.load_notes where message like '%gone%'"
        ).fetchall()
    assert (kind, path) == ("bad file", "customer/dt=2024-01-02/0_20240102060000.parquet")


def test_a_file_that_is_put_back_is_of_a_new_load(
    databases: Databases, spark: SparkSession, tmp_path: Path
):
    """An incremental model reads the rows of new loads. It deleted those of the file."""
    write_parquet(databases.export, "customer", id=["a"])
    moved = write_parquet(databases.export, "customer", "2024-01-02", id=["b"])

    def loads() -> dict[str, str]:
        rows = spark_rows(databases, spark)["customer"].to_pylist()
        return {row["id"]: row["_dlt_load_id"] for row in rows}

    before = loads()
    moved.rename(tmp_path / "moved")
    assert loads() == {"a": before["a"]}
    (tmp_path / "moved").rename(moved)
    after = loads()
    assert after["a"] == before["a"]
    assert after["b"] > before["b"]
    assert loads() == after


def test_a_database_is_of_one_engine(databases: Databases, spark: SparkSession):
    write_parquet(databases.export, "customer", id=["a"])
    spark_rows(databases, spark)
    with pytest.raises(load.InputError, match="was loaded for Spark"):
        databases.load("spark", lambda: list(load.run([NAME])))


def test_every_table_is_there_without_files(databases: Databases, spark: SparkSession):
    write_parquet(databases.export, "customer", id=["a"])
    databases.load("spark", lambda: list(load.run([NAME], in_place=SparkFiles(Path("none")))))
    with duckdb.connect(str(databases.spark)) as connection:
        tables = {
            name: columns
            for (schema, name), columns in raw_tables(connection).items()
            if schema == EXPORT and name in TABLES
        }
        export = SparkFiles(databases.spark.parent)
        views = file_views(connection, tables, [], export, databases.spark.parent)
    assert len(views) == len(TABLES)
    (invoice,) = (view for view in views if view.name == "invoice")
    empty = spark.sql(invoice.definition.removeprefix("as "))
    assert empty.columns == [*tables["invoice"]]
    assert dict(empty.dtypes)["total"] == "decimal(38,18)"
    assert empty.count() == 0
