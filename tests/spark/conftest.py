"""Share one Spark session with all tests: its start takes longer than most tests."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from pipelines.spark.session import session
from tests.spark.engines import Engines, settings

DATABASE = "metronome.duckdb"

QUICK = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
"""Java's quick compiler and its simple garbage collector, which short runs need."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the folder of the DuckDB file and of Spark's tables, as in dbt's profile."""
    made = tmp_path_factory.mktemp("spark")
    with settings(
        DESTINATION__DUCKDB__CREDENTIALS=str(made / DATABASE),
        DO_NOT_TRACK="1",
        SPARK_PARTITIONS="2",
        SPARK_JAVA_OPTIONS=QUICK,
    ):
        yield made


@pytest.fixture(scope="session")
def spark(folder: Path) -> Iterator[SparkSession]:
    """Yield a session without ANSI mode, as dbt-spark makes it."""
    opened = session()
    opened.conf.set("spark.sql.ansi.enabled", "false")
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def engines(spark: SparkSession) -> Iterator[Engines]:
    with duckdb.connect() as memory:
        memory.execute("set timezone = 'UTC'")
        yield Engines(memory, spark)
