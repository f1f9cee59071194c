"""A column or table that is declared after it was loaded, and a full refresh of the export."""

from decimal import Decimal
from pathlib import Path

import pytest

from pipelines import metronome_export
from pipelines.common.columns import columns
from pipelines.common.errors import InputError
from pipelines.metronome_export import RAW_TABLES
from pipelines.metronome_export.export_tables import PROVENANCE, TABLES
from tests.pipelines.conftest import NewWorkspace, Workspace, write_csv, write_parquet


def declare(patch: pytest.MonkeyPatch, table: str, **names_by_type: str) -> None:
    """Declare columns, as a later version of this project would."""
    hints = {**TABLES.get(table, {}), **columns(**names_by_type)}
    patch.setitem(TABLES, table, hints)
    patch.setitem(RAW_TABLES, table, {**hints, **PROVENANCE})
    patch.setattr(metronome_export, "SELECTED_TABLES", frozenset(TABLES))


def types(workspace: Workspace, table: str) -> dict[str, str]:
    return dict(
        workspace.query(
            "select column_name, data_type from information_schema.columns "
            f"where table_schema = 'raw_export' and table_name = '{table}'"
        )
    )


def test_a_column_that_is_declared_later_has_one_form(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_csv(tmp_path, "product", "id,cost_basis,tags,since", 'a,1250.5,"[""x""]",2024-03-01 0:00')
    workspace.load_export(tmp_path)
    declare(monkeypatch, "product", decimal="cost_basis", json="tags", timestamp="since")
    write_parquet(tmp_path, "product", id=["b"], cost_basis=[Decimal("99.5")], tags=[["y"]])
    workspace.load_export(tmp_path)
    assert types(workspace, "product")["cost_basis"] == "DECIMAL(38,18)"
    assert workspace.query(
        "select id, cost_basis, tags, epoch(since) from raw_export.product order by id"
    ) == [("a", Decimal("1250.5"), '["x"]', 1709251200), ("b", Decimal("99.5"), '["y"]', None)]
    assert workspace.load_export(tmp_path).startswith("export: 0 new of 2 files")


def test_a_table_that_is_declared_later_has_one_form(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_csv(tmp_path, "customer", "id", "c")
    write_csv(tmp_path, "refund", "id,amount", "a,1250.5", "b,1e-3")
    workspace.load_export(tmp_path)
    declare(monkeypatch, "refund", text="id note", decimal="amount")
    workspace.load_export(tmp_path)
    assert workspace.query("select id, amount, note from raw_export.refund order by id") == [
        ("a", Decimal("1250.5"), None),
        ("b", Decimal("0.001"), None),
    ]


def test_a_value_that_does_not_fit_is_named_and_a_full_refresh_is_the_remedy(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write_csv(tmp_path, "product", "id,cost_basis", "a,a lot")
    workspace.load_export(tmp_path)
    declare(monkeypatch, "product", decimal="cost_basis")
    path.write_text("id,cost_basis\na,7\n")
    with pytest.raises(InputError) as caught:
        workspace.load_export(tmp_path)
    assert "cost_basis of product is declared as decimal now" in str(caught.value)
    assert "'a lot' of Sandbox Egress Data - product.csv" in str(caught.value)
    assert types(workspace, "product")["cost_basis"] == "VARCHAR"
    workspace.run("metronome_export", full_refresh=True, **bucket(tmp_path))
    assert workspace.query("select id, cost_basis from raw_export.product") == [("a", Decimal(7))]


def bucket(folder: Path) -> dict[str, str]:
    return {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(folder)}


def test_a_full_refresh_loads_all_files_into_new_tables(workspace: Workspace, tmp_path: Path):
    write_parquet(tmp_path, "customer", "2024-01-01", id=["a"])
    gone = write_parquet(tmp_path, "customer", "2024-01-02", id=["b"], brand_new=["x"])
    workspace.load_export(tmp_path)
    gone.unlink()
    (line, *_) = workspace.run("metronome_export", full_refresh=True, **bucket(tmp_path))
    assert line.startswith("export: 1 new of 1 files, 1 rows")
    assert workspace.column("select id from raw_export.customer") == ["a"]
    assert "brand_new" not in types(workspace, "customer")
    assert workspace.contents("raw_export").keys() == RAW_TABLES.keys()
    assert workspace.load_export(tmp_path).startswith("export: 0 new of 1 files")


@pytest.mark.parametrize("kind", ["missing", "empty", "not set"])
def test_a_full_refresh_of_nothing_drops_nothing(
    new_workspace: NewWorkspace, tmp_path: Path, kind: str
):
    workspace = new_workspace()
    write_parquet(tmp_path / "export", "customer", id=["a"])
    workspace.load_export(tmp_path / "export")
    (tmp_path / "empty").mkdir()
    settings = {} if kind == "not set" else bucket(tmp_path / kind)
    with pytest.raises(InputError, match=r"There is no|No export to load"):
        workspace.run("metronome_export", full_refresh=True, **settings)
    assert workspace.column("select id from raw_export.customer") == ["a"]
    assert workspace.load_export(tmp_path / "export").startswith("export: 0 new of 1 files")
