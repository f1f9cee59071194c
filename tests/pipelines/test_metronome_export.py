"""The export's pipeline: every row of every file, exact; a version of a file once."""

import gzip
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.common.errors import InputError
from pipelines.metronome_api import RAW_TABLES as API_TABLES
from pipelines.metronome_export import RAW_TABLES
from pipelines.metronome_export.export_tables import TABLES
from sandbox.export.schema import COLUMNS
from tests.pipelines.conftest import (
    NewWorkspace,
    Rows,
    Workspace,
    write_csv,
    write_parquet,
)

WITH_18_DECIMALS = Decimal("12345678901234567890.123456789012345678")


def rows_of_files(root: Path, table: str, columns: str = "*") -> Rows:
    """What DuckDB reads from the Parquet files of a table, repeats and all."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(
            f"select {columns} from read_parquet('{root}/{table}/*/*.parquet') order by all"
        ).fetchall()


def touch_later(path: Path) -> None:
    """Give a file a later time, as a new write of it would."""
    later = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(path, ns=(later, later))


def counting_ids(workspace: Workspace) -> list[str]:
    """The customers in rows of the newest versions that were loaded of the files."""
    return workspace.column(
        "select id from raw_export.customer where (_file, _dlt_load_id) in ("
        "select (path, max(_dlt_load_id)) from raw_export.loaded_files where _dlt_load_id in ("
        "select load_id from raw_export._dlt_loads where status = 0) group by path) order by id"
    )


# The whole account


@pytest.mark.parametrize("table", TABLES)
def test_parquet_rows_land_as_they_are_repeats_and_all(
    loaded_export: Workspace, export: Path, table: str
):
    columns = ", ".join(f'cast("{name}" as varchar)' for name in COLUMNS[table])
    landed = loaded_export.query(f"select {columns} from raw_export.{table} order by all")
    assert landed == rows_of_files(export, table, columns)
    assert landed


def test_the_log_repeats_rows(loaded_export: Workspace):
    """Else the tests above would not see a repeat that is lost."""
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


# Values and columns of both layouts


@pytest.fixture(scope="module")
def oddities(new_workspace: NewWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """What a reader may stumble on: both layouts in one folder, whose name is awkward."""
    folder = tmp_path_factory.mktemp("oddities")
    root = folder / "an [awkward] *name?*" / "id=7" / "it's; 100% {new} #1"
    decoy = (
        folder / "an a name1" / "id=7" / "it's; 100% {new} #1"
    )  # what the name as a pattern fits
    write_parquet(decoy, "line_item", "2024-01-01", id=["of another export"])
    write_csvs(root)
    write_parquets(root)
    workspace = new_workspace()
    workspace.load_export(root)
    return workspace


def write_csvs(root: Path) -> None:
    write_csv(
        root,
        "customer",
        "id,name,ingest_aliases,custom_fields,created_at,archived_at",
        'formula,=SUM(A1:A9) Ltd,"[""a"",""b""]",{},2024-02-29 0:00:00,',
        'quoted,"The ""Quoted"", Comma",[],"{""k"":""v""}",2024-02-29 13:05:07,2024-03-01 0:00:00',
        'broken,"Line\r\nBreak",,,,',
        "foreign,株式会社さくら計算 Ελληνική شركة,,,,",
        'blank," ","",,,',
        "percent,O'Malley's % Cloud;,,,,",
    )
    write_csv(root, "plan", "id,name", "#1,not a comment", "2,Two")
    write_csv(
        root,
        "events",
        "transaction_id,customer_id,timestamp,event_type,properties,environment_type",
        't1,c1,2024-03-10 09:08:07.654321 UTC,image,"{size=256x256, n=2}",PRODUCTION',
        't2,c1,2024-03-10T09:08:07Z,image,"{""size"": ""256x256""}",PRODUCTION',
        "t3,c1,2024-03-10T09:08:07+02:00,image,,PRODUCTION",
    )
    write_csv(
        root,
        "invoice",
        "id,total,issued_at",
        f"large,{WITH_18_DECIMALS},2024-03-01 0:00:00",
        "small,-0.000000000000000001,2024-03-01 0:00:00",
        "zeros,1.50000000000000000000000,2024-03-01 0:00:00",
        "whole,7,2024-03-01 0:00:00",
        "power,1.5E-7,2024-03-01 0:00:00",
        "none,,",
    )


def write_parquets(root: Path) -> None:
    totals = {
        "decimal": pa.array([WITH_18_DECIMALS], pa.decimal128(38, 18)),
        "scale 2": pa.array([Decimal("-0.07")], pa.decimal128(9, 2)),
        "scale 20": pa.array([Decimal("0.123456789012345678")], pa.decimal128(38, 20)),
        "double": pa.array([8101.27205]),
        "float": pa.array([0.1], pa.float32()),
        "integer": pa.array([7]),
        "text": pa.array(["0.000000000000000001"]),
        "null": pa.nulls(1),
    }
    for day, (name, total) in enumerate(totals.items(), start=1):
        write_parquet(root, "line_item", f"2024-01-{day:02}", id=[name], total=total)
    write_parquet(
        root,
        "product",
        id=["p1"],
        name=["One"],
        created_at=pa.array([datetime(2024, 1, 1)], pa.timestamp("ms")),
        updated_at=pa.array([datetime(2024, 1, 2, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
        custom_fields=pa.nulls(1),
        deprecated_at=pa.nulls(1),
        BrandNew=[1.5],
        brand_new_list=[["a", "b"]],
        brand_new_object=[{"k": 1}],
    )


def of_customer(workspace: Workspace, column: str) -> dict[str, Any]:
    return dict(workspace.query(f"select id, {column} from raw_export.customer"))


def test_a_flat_csv_names_no_transfer(oddities: Workspace):
    assert oddities.query("select distinct _file, _transferred_at from raw_export.events") == [
        ("Sandbox Egress Data - events.csv", None)
    ]


def test_csv_names_land_to_the_letter(oddities: Workspace):
    assert of_customer(oddities, "name") == {
        "formula": "=SUM(A1:A9) Ltd",
        "quoted": 'The "Quoted", Comma',
        "broken": "Line\r\nBreak",
        "foreign": "株式会社さくら計算 Ελληνική شركة",
        "blank": " ",
        "percent": "O'Malley's % Cloud;",
    }


def test_csv_row_that_starts_with_a_hash_is_a_row(oddities: Workspace):
    plans = "select id, name from raw_export.plan order by id"
    assert oddities.query(plans) == [("#1", "not a comment"), ("2", "Two")]


def test_csv_json_stays_json_and_empty_is_null(oddities: Workspace):
    aliases, fields = (of_customer(oddities, name) for name in ("ingest_aliases", "custom_fields"))
    assert (aliases["formula"], aliases["quoted"]) == ('["a","b"]', "[]")
    assert (fields["formula"], fields["quoted"]) == ("{}", '{"k":"v"}')
    assert [values[name] for values in (aliases, fields) for name in ("broken", "blank")] == [
        None,
        None,
        None,
        None,
    ]


def test_csv_times_are_utc_with_or_without_a_zone_or_a_padded_hour(oddities: Workspace):
    created_at, archived_at = (
        of_customer(oddities, name) for name in ("created_at", "archived_at")
    )
    assert created_at["formula"] == datetime(2024, 2, 29, tzinfo=UTC)
    assert created_at["quoted"] == datetime(2024, 2, 29, 13, 5, 7, tzinfo=UTC)
    assert (archived_at["formula"], created_at["broken"]) == (None, None)
    assert oddities.column("select timestamp from raw_export.events order by transaction_id") == [
        datetime(2024, 3, 10, 9, 8, 7, 654321, tzinfo=UTC),
        datetime(2024, 3, 10, 9, 8, 7, tzinfo=UTC),
        datetime(2024, 3, 10, 7, 8, 7, tzinfo=UTC),
    ]


def test_csv_printed_map_stays_as_a_json_string(oddities: Workspace):
    assert oddities.query(
        "select json_type(properties), properties ->> '$' from raw_export.events "
        "order by transaction_id"
    ) == [
        ("VARCHAR", "{size=256x256, n=2}"),
        ("OBJECT", '{"size":"256x256"}'),
        (None, None),
    ]


def test_csv_amounts_are_exact(oddities: Workspace):
    assert dict(oddities.query("select id, total from raw_export.invoice")) == {
        "large": WITH_18_DECIMALS,
        "small": Decimal("-1e-18"),
        "zeros": Decimal("1.5"),
        "whole": 7,
        "power": Decimal("1.5e-7"),
        "none": None,
    }


def test_parquet_amounts_are_exact_whatever_their_type(oddities: Workspace):
    """A double next to decimals must not make doubles of them."""
    assert dict(oddities.query("select id, total from raw_export.line_item")) == {
        "decimal": WITH_18_DECIMALS,
        "scale 2": Decimal("-0.07"),
        "scale 20": Decimal("0.123456789012345678"),
        "double": Decimal("8101.27205"),
        "float": Decimal("0.1"),
        "integer": 7,
        "text": Decimal("1e-18"),
        "null": None,
    }


def test_parquet_times_without_a_zone_are_utc(oddities: Workspace):
    assert oddities.query("select created_at, updated_at from raw_export.product") == [
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    ]


def test_a_missing_column_is_null(oddities: Workspace):
    names = set(TABLES["line_item"]) - {"id", "total"}
    found = ", ".join(f'count("{name}")' for name in names)
    assert set(*oddities.query(f"select {found} from raw_export.line_item")) == {0}


def test_an_undeclared_column_is_kept_as_text_a_nested_one_as_json(oddities: Workspace):
    assert oddities.query(
        "select typeof(columns('brand_new.*')), columns('brand_new.*') from raw_export.product"
    ) == [("VARCHAR", "JSON", "JSON", "1.5", '["a","b"]', '{"k":1}')]


def test_folders_do_not_become_columns(oddities: Workspace, empty: Workspace):
    columns = (
        "select column_name from information_schema.columns "
        "where table_schema = 'raw_export' and table_name = 'line_item'"
    )
    assert sorted(oddities.column(columns)) == sorted(empty.column(columns))


def test_a_folder_whose_name_reads_like_a_pattern_is_not_taken_for_one(oddities: Workspace):
    files = "select distinct _file from raw_export.line_item order by all"
    assert oddities.column(files) == [
        f"line_item/dt=2024-01-{day:02}/0_202401{day:02}060000.parquet" for day in range(1, 9)
    ]


@pytest.mark.parametrize("name", ["customer.csv.gz", "Any name - customer.csv.gz"])
def test_a_flat_csv_may_be_gzipped(workspace: Workspace, tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(gzip.compress(b"id,name\r\n1,One\r\n2,Two\r\n"))
    workspace.load_export(tmp_path)
    assert workspace.query("select id, name, _file from raw_export.customer order by id") == [
        ("1", "One", name),
        ("2", "Two", name),
    ]


# Runs after the first


def test_a_run_loads_what_is_new_late_or_changed(workspace: Workspace, tmp_path: Path):
    """Nothing that was loaded is taken away; which rows count, `loaded_files` tells."""
    write_parquet(tmp_path, "customer", "2024-01-05", id=["a", "a"])
    changed = write_parquet(tmp_path, "customer", "2024-01-06", id=["b"])
    assert workspace.load_export(tmp_path).startswith("export: 2 new of 2 files, 3 rows")
    assert counting_ids(workspace) == ["a", "a", "b"]

    write_parquet(tmp_path, "customer", "2024-01-07", id=["new"])
    write_parquet(tmp_path, "customer", "2024-01-05", part=1, id=["late"])
    write_parquet(tmp_path, "customer", "2024-01-06", id=["c"])  # of the same size as before
    touch_later(changed)
    assert workspace.load_export(tmp_path).startswith("export: 3 new of 4 files, 3 rows")
    assert counting_ids(workspace) == ["a", "a", "c", "late", "new"]
    landed = workspace.column("select id from raw_export.customer order by id")
    assert landed == ["a", "a", "b", "c", "late", "new"]
    assert workspace.load_export(tmp_path) == f"export: 0 new of 4 files, 0 rows from {tmp_path}"


def test_a_file_that_is_as_it_was_two_versions_ago_is_loaded_again(
    workspace: Workspace, tmp_path: Path
):
    path = write_parquet(tmp_path, "customer", id=["a"])
    first, stat = path.read_bytes(), path.stat()
    workspace.load_export(tmp_path)
    write_parquet(tmp_path, "customer", id=["b", "c"])
    workspace.load_export(tmp_path)
    path.write_bytes(first)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert workspace.load_export(tmp_path).startswith("export: 1 new of 1 files, 1 rows")
    assert counting_ids(workspace) == ["a"]


def test_the_rows_of_a_file_that_is_empty_now_do_not_count(workspace: Workspace, tmp_path: Path):
    write_csv(tmp_path, "customer", "id,name", "a,One")
    workspace.load_export(tmp_path)
    write_csv(tmp_path, "customer", "id,name")
    assert workspace.load_export(tmp_path).startswith("export: 1 new of 1 files, 0 rows")
    assert counting_ids(workspace) == []


def test_databases_share_no_state(new_workspace: NewWorkspace, tmp_path: Path):
    """One working folder, two databases, one export: each has all files once."""
    write_parquet(tmp_path, "customer", id=["a"])
    write_parquet(tmp_path, "invoice", id=["i"], total=[0.1])
    one = new_workspace()
    other = Workspace(new_workspace().database, one.dlt_folder)
    for workspace, new_files in ((one, 2), (other, 2), (one, 0)):
        assert workspace.load_export(tmp_path).startswith(f"export: {new_files} new of 2 files")
    assert one.contents("raw_export") == other.contents("raw_export")
    assert one.query("select id, total from raw_export.invoice") == [("i", Decimal("0.1"))]


def test_a_deleted_database_is_filled_again(workspace: Workspace, tmp_path: Path):
    write_parquet(tmp_path, "customer", id=["a"])
    workspace.run()
    workspace.database.unlink()
    workspace.load_export(tmp_path)
    assert workspace.column("select id from raw_export.customer") == ["a"]
    assert workspace.contents("raw_api").keys() == API_TABLES.keys()


def test_a_second_export_is_not_mixed_in_but_one_that_was_moved_is_the_same(
    loaded_export: Workspace, export: Path, new_workspace: NewWorkspace, tmp_path: Path
):
    workspace = new_workspace(loaded_export)
    write_parquet(tmp_path / "other", "customer", id=["of another account"])
    with pytest.raises(InputError, match=re.escape(f"The database holds the export of {export}")):
        workspace.load_export(tmp_path / "other")
    shutil.copytree(export, tmp_path / "moved")
    assert workspace.load_export(tmp_path / "moved").startswith("export: 0 new of ")
    assert workspace.counts("raw_export") == loaded_export.counts("raw_export")


def test_a_source_that_is_left_out_now_is_said_to_count_still(
    loaded_export: Workspace, new_workspace: NewWorkspace
):
    (line,) = new_workspace(loaded_export).run()
    assert line.startswith("export: not read now; what it held on ")


# Faults on the disk


def nothing(root: Path) -> Path:
    return root


def empty_folder(root: Path) -> Path:
    root.mkdir()
    return root


def only_an_unknown_table(root: Path) -> Path:
    write_csv(root, "todo", "id", "a")
    return root


@pytest.fixture(scope="module")
def untouched(new_workspace: NewWorkspace) -> Workspace:
    """A workspace that no fault may change."""
    return new_workspace()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (nothing, "There is no folder"),
        (empty_folder, "There is no table of an export"),
        (only_an_unknown_table, "There is no table of an export"),
    ],
)
def test_a_folder_without_an_export_is_named_and_nothing_of_it_is_loaded(
    untouched: Workspace, tmp_path: Path, fault: Callable[[Path], Path], message: str
):
    culprit = fault(tmp_path / "export")
    with pytest.raises(InputError) as caught:
        untouched.load_export(tmp_path / "export")
    assert message in str(caught.value)
    assert str(culprit) in str(caught.value)
    assert untouched.counts("raw_export") == {}
