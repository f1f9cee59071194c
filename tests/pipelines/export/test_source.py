"""The dlt source: its resources can be selected and loaded into any destination."""

from pathlib import Path

import dlt
import duckdb
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.common.errors import InputError
from pipelines.metronome_export import TABLES, metronome_export_source
from tests.pipelines.conftest import Workspace, write_parquet

SELECTED = ("invoice", "line_item", "plan_charge", "events")


def into_duckdb(folder: Path, source: dlt.sources.DltSource) -> Path:
    """Load a source like a user's script. Return the database."""
    database = folder / "mine.duckdb"
    dlt.pipeline(
        "mine",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="metronome",
    ).run(source)
    return database


def test_there_is_a_resource_for_each_table_with_files(export: Path):
    assert metronome_export_source(str(export)).resources.keys() == TABLES.keys()


def test_a_user_gets_the_rows_of_the_pipeline_in_another_dataset(
    export: Path, loaded_export: Workspace, tmp_path: Path
):
    source = metronome_export_source(str(export)).with_resources(*SELECTED)
    database = into_duckdb(tmp_path, source)
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for table in SELECTED:
            columns = f"{', '.join(TABLES[table])}, _file, _transferred_at"
            found = connection.execute(f"select {columns} from metronome.{table} order by all")
            landed = f"select {columns} from raw_export.{table} order by all"
            assert found.fetchall() == loaded_export.query(landed), table


@pytest.mark.parametrize("name", ["notes.txt", "customer/dt=2024-01-02/0_20240102060000.parquet"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str):
    export = tmp_path / "export"
    write_parquet(export, "customer", id=["a"])
    (export / name).parent.mkdir(parents=True, exist_ok=True)
    (export / name).write_text("no rows")
    with pytest.raises((PipelineStepFailed, InputError), match=name.rpartition("/")[2]):
        into_duckdb(tmp_path, metronome_export_source(str(export)))
