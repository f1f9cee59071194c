"""Every row of the account's export is in its raw table, repeats included."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.metronome_api import RAW_TABLES as API_TABLES
from pipelines.metronome_export import RAW_TABLES
from pipelines.metronome_export.export_tables import TABLES
from sandbox.export.schema import COLUMNS
from tests.pipelines.conftest import (
    Rows,
    Workspace,
    in_memory,
)


def rows_of_files(root: Path, table: str, columns: str = "*") -> Rows:
    """Return the rows that DuckDB reads from a table's Parquet files, repeated rows included."""
    with in_memory() as connection:
        return connection.execute(
            f"select {columns} from read_parquet('{root}/{table}/*/*.parquet') order by all"
        ).fetchall()


@pytest.mark.parametrize("table", TABLES)
def test_parquet_rows_land_as_they_are_repeats_and_all(
    loaded_export: Workspace, export: Path, table: str
):
    columns = ", ".join(f'cast("{name}" as varchar)' for name in COLUMNS[table])
    landed = loaded_export.query(f"select {columns} from raw_export.{table} order by all")
    assert landed == rows_of_files(export, table, columns)
    assert landed


def test_the_log_repeats_rows(loaded_export: Workspace):
    """Without repeated rows, the tests above would not notice a lost one."""
    repeats = "select count(*) - count(distinct transaction_id) from raw_export.events"
    assert loaded_export.value(repeats) > 0


@pytest.mark.parametrize("table", TABLES)
def test_a_row_names_its_file_and_the_start_of_the_transfer(
    loaded_export: Workspace, export: Path, table: str
):
    files = loaded_export.query(
        f"select distinct _file, _transferred_at from raw_export.{table} order by _file"
    )
    assert files == [
        (
            str(path.relative_to(export)),
            datetime.strptime(path.stem.split("_")[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC),
        )
        for path in sorted(export.glob(f"{table}/*/*.parquet"))
    ]


def test_without_a_source_every_declared_table_and_column_is_there(empty: Workspace):
    declared = {
        (schema, table, column)
        for schema, tables in (("raw_export", RAW_TABLES), ("raw_api", API_TABLES))
        for table, columns in tables.items()
        for column in columns
    }
    existing = empty.query(
        "select table_schema, table_name, column_name from information_schema.columns"
    )
    assert declared <= set(existing)
    assert empty.counts("raw_export") == empty.counts("raw_api") == {}


def test_amounts_are_decimals_with_18_places(empty: Workspace):
    types = empty.query(
        "select distinct data_type from information_schema.columns "
        "where column_name in ('total', 'subtotal', 'quantity', 'amount', 'unit_price')"
    )
    assert types == [("DECIMAL(38,18)",)]
