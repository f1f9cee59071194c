"""Run the models on Spark: land what Spark reads, and start a cluster for one command.

The DuckDB file beside Spark's tables stays the database of the pipelines: it holds the state of
the loads, the rows of the API and the record of the last published run. The rows of the export stay
in its files.
"""

from pathlib import Path

from pipelines.common.settings import database_setting

CURRENT = """
with newest as (
    select loaded_files.*
    from raw_export.loaded_files
    inner join raw_export._dlt_loads on load_id = _dlt_load_id and status = 0
    qualify row_number() over (partition by path order by load_id desc) = 1
)
select file_reads.*, newest.root, newest.size_bytes, newest.modified_at, newest.etag
from raw_export.file_reads
inner join newest on newest.path = file_reads.path and newest._dlt_load_id = file_reads._dlt_load_id
"""
"""How the newest version of each loaded file is read."""

SPARK_FILES = "publishing.spark_files"
"""The files that Spark's views read since the last landing."""


def data_folder() -> Path:
    """Return the folder of Spark's tables, catalog and landed files, as dbt's profile has it."""
    return Path(f"{database_setting()}.spark").absolute()
