"""The large tables of staging are incremental in a format whose rows can be deleted.

Delta and Iceberg need jars that the tests do not have. So dbt parses the project for each format,
and the rows that a merge reads are selected from plain tables.
"""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession

from pipelines.publish.warehouse import SparkWarehouse
from tests.end_to_end.project import ROOT
from tests.spark.conftest import DATABASE
from tests.spark.engines import macros, reuse_parse, settings

FOLDER = ROOT / "models" / "staging" / "metronome_export"
COLUMNS = ["invoice_id", "snapshot_at", "total", "_file", "_dlt_load_id"]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for dbt's parse. The second parse reads again what the setting changes."""
    folder = tmp_path_factory.mktemp("parsed")
    reuse_parse(folder)
    return folder


def parse(target: Path, file_format: str) -> Any:
    """Parse the project for Spark with a file format."""
    words = ["parse", "--target", "spark", "--quiet"]
    words += ["--target-path", str(target), "--log-path", str(target)]
    with settings(SPARK_FILE_FORMAT=file_format):
        done = dbtRunner().invoke(words)
    reset_adapters()
    return done


def configs(target: Path, file_format: str) -> dict[str, dict[str, Any]]:
    """Return the configurations of the large models by their names."""
    done = parse(target, file_format)
    assert done.success, done.exception
    large = {
        path.stem
        for path in FOLDER.rglob("*.sql")
        if "incremental_or_table" in path.read_text(encoding="utf-8")
    }
    assert len(large) == 10
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    found = {node["name"]: node["config"] for node in nodes.values()}
    others = [found[name] for name in found.keys() - large]
    assert not any(config.get("file_format") for config in others)
    assert not any(config["materialized"] == "incremental" for config in others)
    return {name: found[name] for name in large}


def keys() -> dict[str, list[str]]:
    """Return the columns of the model in the key of each large model, as its SQL names them."""
    return {
        path.stem: re.findall(r": '(\w+)'", key[1])
        for path in FOLDER.rglob("*.sql")
        if (key := re.search(r"set key = \{(.*?)\}", path.read_text(encoding="utf-8")))
    }


@pytest.mark.parametrize(
    ("file_format", "materialized", "strategy", "stored"),
    [
        ("parquet", "table", "delete+insert", None),
        ("delta", "incremental", "merge", "delta"),
        ("iceberg", "incremental", "merge", "iceberg"),
    ],
)
def test_large_models_are_incremental_where_rows_can_be_deleted(
    target: Path, file_format: str, materialized: str, strategy: str, stored: str | None
):
    for name, config in configs(target, file_format).items():
        assert config["materialized"] == materialized, name
        assert config["incremental_strategy"] == strategy, name
        assert config.get("file_format") == stored, name
        assert config["unique_key"] == keys()[name], name


def test_another_format_is_refused(target: Path):
    done = parse(target, "orc")
    assert "Give parquet, delta or iceberg" in str(done.exception)


def for_spark(file_format: str, **more: Any) -> SimpleNamespace:
    """Render the macros as dbt does in a later run of an incremental model."""
    return macros(
        "spark",
        env_var=lambda *_: file_format,
        is_incremental=lambda: True,
        ref=lambda name: f"lake.{name}",
        this="lake.stored",
        **more,
    )


@pytest.fixture(scope="module")
def lake(spark: SparkSession) -> SparkSession:
    """Return a session with a raw table, its loads and the rows of a first run.

    The file `changed` was loaded again, and the raw table has its new rows only. The file `gone` is
    loaded, and its rows are not there.
    """
    spark.sql("create schema if not exists lake")
    for name, columns, rows in (
        (
            "stg_metronome_export__loaded_files",
            "path string, load_id string, is_newest boolean",
            [
                ("old", "1", True),
                ("changed", "1", False),
                ("gone", "1", True),
                ("changed", "2", True),
            ],
        ),
        (
            "raw",
            "id string, snapshot_time string, total int, _file string, _dlt_load_id string",
            [
                ("untouched", "1", 1, "old", "1"),
                ("left the file", "1", 1, "old", "1"),
                ("in the gone file", "1", 1, "old", "1"),
                (None, None, 1, "old", "1"),
                ("added", "1", 3, "changed", "2"),
            ],
        ),
        (
            "stored",
            "invoice_id string, snapshot_at string, total int, _file string, _dlt_load_id string",
            [
                ("untouched", "1", 1, "old", "1"),
                ("left the file", "1", 2, "changed", "1"),
                ("in the gone file", "1", 2, "gone", "1"),
                (None, None, 2, "changed", "1"),
            ],
        ),
    ):
        spark.createDataFrame(rows, columns).write.mode("overwrite").saveAsTable(f"lake.{name}")
    return spark


def test_a_later_run_reads_the_keys_of_changed_and_gone_files(lake: SparkSession):
    """Also where raw has no rows of the earlier version, and where a key is null."""
    key = {"id": "invoice_id", "snapshot_time": "snapshot_at"}
    read = lake.sql(for_spark("delta").incremental_rows("lake.raw", key)).collect()
    ids = sorted(str(row["id"]) for row in read)
    assert ids == ["None", "added", "in the gone file", "left the file"]


def test_a_merge_deletes_the_rows_of_changed_and_gone_files(lake: SparkSession):
    deleted = lake.sql(for_spark("delta").spark_replaced_rows("lake.raw")).collect()
    assert {row["_file"] for row in deleted} == {"changed", "gone"}
    assert len(deleted) == 3


def test_iceberg_has_another_name_for_the_file():
    """Iceberg refuses a column `_file`."""
    render = for_spark("iceberg")
    assert "_file as export_file," in render.file_and_load()
    assert "path = export_file" in render.spark_replaced_rows("lake.raw")
    assert "as export_file" not in for_spark("delta").file_and_load()


def test_a_merge_deletes_and_inserts_by_all_key_columns(lake: SparkSession):
    """It inserts each row that was read, and deletes every row of a key, also one with a null."""
    render = for_spark(
        "delta",
        columns=COLUMNS,
        builtins=SimpleNamespace(source=lambda *_: "lake.raw"),
        model=SimpleNamespace(sources=[["raw_export", "draft_invoice"]]),
    )
    merge = render.spark__get_merge_sql(
        "lake.stored", "read", ["invoice_id", "snapshot_at"], None, None
    )
    lake._jsparkSession.sessionState().sqlParser().parsePlan(merge)
    found = re.search(r"using \((.*)\) as changed\s+on (.*?) when", merge, re.DOTALL)
    source, condition = found.groups()
    lake.sql("select * from lake.stored where total = 2").createOrReplaceTempView("read")
    changed = lake.sql(source)
    assert changed.where("not is_old").count() == 3
    changed.createOrReplaceTempView("changed")
    kept = lake.sql(
        f"select * from lake.stored as stored where not exists (select 1 from changed "
        f"where {condition})"
    )
    assert [row["invoice_id"] for row in kept.collect()] == ["untouched"]


def test_the_publisher_reads_no_table_with_earlier_versions(tmp_path: Path):
    """The folder of such a table has files that no longer count."""
    duckdb.connect(str(tmp_path / DATABASE)).close()
    nodes = {
        name: {
            "resource_type": "model",
            "schema": "staging",
            "alias": name,
            "config": config,
            "description": "",
            "columns": {},
        }
        for name, config in (("plain", {}), ("lake", {"file_format": "delta"}))
    }
    for name in nodes:
        folder = tmp_path / "warehouse" / "staging.db" / name
        folder.mkdir(parents=True)
        duckdb.execute(f"copy (select 1 as id) to '{folder}/part.parquet' (format parquet)")
    with settings(SPARK_WAREHOUSE=str(tmp_path / "warehouse")):
        built = SparkWarehouse(tmp_path / DATABASE)
    with built.opened(SimpleNamespace(manifest={"nodes": nodes})) as connection:
        found = connection.execute("select view_name from duckdb_views() where not internal")
        assert found.fetchall() == [("plain",)]
