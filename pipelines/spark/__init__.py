"""Run the models on Spark: land what Spark reads, and start a cluster for one command.

The DuckDB file beside Spark's tables stays the database of the pipelines: it holds the state of
the loads, the rows of the API and the record of the last published run. The rows of the export stay
in its files.
"""

from pathlib import Path

from pipelines.common.settings import database_setting


def data_folder() -> Path:
    """Return the folder of Spark's tables, catalog and landed files, as dbt's profile has it."""
    return Path(f"{database_setting()}.spark").absolute()
