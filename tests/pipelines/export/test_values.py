"""Values and columns of CSV and Parquet files as they land in the raw tables."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.metronome_export.export_tables import TABLES
from tests.pipelines.conftest import (
    NewWorkspace,
    Workspace,
    write_csv,
    write_parquet,
)

WITH_18_DECIMALS = Decimal("12345678901234567890.123456789012345678")


@pytest.fixture(scope="module")
def oddities(new_workspace: NewWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Write an export with both layouts in one folder that has an awkward name."""
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
    """A double next to decimals does not turn them into doubles."""
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
