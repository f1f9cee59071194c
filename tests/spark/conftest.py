"""One Spark session for all tests of Spark: it takes longer to start than most of them to run."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from pipelines.spark.session import session
from tests.spark.engines import Engines, settings

DATABASE = "metronome.duckdb"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the DuckDB file, and of Spark's tables beside it, as dbt's profile has them."""
    made = tmp_path_factory.mktemp("spark")
    with settings(DESTINATION__DUCKDB__CREDENTIALS=str(made / DATABASE), DO_NOT_TRACK="1"):
        yield made


@pytest.fixture(scope="session")
def spark(folder: Path) -> Iterator[SparkSession]:
    """A session as dbt-spark makes it: without ANSI mode."""
    opened = session()
    opened.conf.set("spark.sql.ansi.enabled", "false")
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def engines(spark: SparkSession) -> Iterator[Engines]:
    with duckdb.connect() as memory:
        memory.execute("set timezone = 'UTC'")
        yield Engines(memory, spark)
