"""An export that differs from what is declared: it lands, is noted, or stops one table alone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.common.errors import InputError
from pipelines.metronome_export.export_tables import TABLES
from tests.pipelines.conftest import NewWorkspace, Workspace, write_csv, write_parquet


def notes(workspace: Workspace, kind: str) -> list[tuple[Any, ...]]:
    return workspace.query(
        "select table_name, column_name, path from raw_export.load_notes "
        f"where kind = '{kind}' order by all"
    )


def path_of(table: str, day: str = "20240101") -> str:
    return f"{table}/dt={day[:4]}-{day[4:6]}-{day[6:]}/0_{day}060000.parquet"


def write_whole(root: Path, table: str, **columns: Any) -> None:
    """Write a file with all declared columns of a table, of one row, null unless given."""
    write_parquet(root, table, **{name: pa.nulls(1) for name in TABLES[table]} | columns)


# What lands


def test_a_whole_export_prints_one_line(workspace: Workspace, tmp_path: Path):
    write_whole(tmp_path, "customer", id=["c"])
    line = f"export: 1 new of 1 files, 1 rows from {tmp_path}"
    assert workspace.load_export(tmp_path) == line
    assert workspace.value("select count(*) from raw_export.load_notes") == 0


def test_an_unknown_table_lands_as_text_and_json(workspace: Workspace, tmp_path: Path):
    write_whole(tmp_path, "customer", id=["c"])
    write_parquet(tmp_path, "brand_new", id=[7], price=[Decimal("1.50")], tags=[["a"]])
    write_parquet(tmp_path, "brand_new", "2024-01-02", id=["8"], more=[True])
    told = workspace.load_export(tmp_path)
    assert told.splitlines()[1:] == ["export: undeclared tables, loaded as text: brand_new"]
    assert notes(workspace, "unknown table") == [("brand_new", None, path_of("brand_new"))]
    columns = "id, price, tags, more, _file, extract(day from _transferred_at)"
    assert workspace.query(f"select {columns} from raw_export.brand_new order by id") == [
        ("7", "1.50", '["a"]', None, path_of("brand_new"), 1),
        ("8", None, None, "true", path_of("brand_new", "20240102"), 2),
    ]
    assert workspace.load_export(tmp_path).startswith("export: 0 new of 3 files")


def test_an_unknown_column_lands_with_any_type(workspace: Workspace, tmp_path: Path):
    write_whole(tmp_path, "product", id=["1"], cost_basis=[0.5])
    told = workspace.load_export(tmp_path)
    assert told.splitlines()[1:] == [
        "export: undeclared columns, loaded as text: product (cost_basis)"
    ]
    assert notes(workspace, "unknown column") == [("product", "cost_basis", path_of("product"))]
    write_parquet(tmp_path, "product", "2024-01-02", id=["2"], cost_basis=[["a", "b"]])
    write_parquet(tmp_path, "product", "2024-01-03", id=["3"], cost_basis=[date(2024, 1, 3)])
    workspace.load_export(tmp_path)
    assert workspace.column("select cost_basis from raw_export.product order by id") == [
        "0.5",
        '["a","b"]',
        "2024-01-03",
    ]


def test_columns_with_awkward_names(workspace: Workspace, tmp_path: Path):
    """A column with a reserved name, or the name of another column, is not loaded.

    No name is executed as SQL.
    """
    awkward = {
        "_file": ["of the file"],
        "_dlt_load_id": ["of the file"],
        "filename": ["kept"],
        "BrandNew": ["kept"],
        "brand_new": ["set aside"],
        '" ; drop table customer; --': ["kept"],
    }
    write_whole(tmp_path, "customer", id=["c"], **awkward)
    told = workspace.load_export(tmp_path)
    assert (
        "export: columns not loaded, because their name is reserved or another column has it: "
        "'_file', '_dlt_load_id', 'brand_new'" in told
    )
    assert workspace.query(
        "select id, _file, filename, brand_new, columns('.*drop.*') from raw_export.customer"
    ) == [("c", path_of("customer"), "kept", "kept", "kept")]


@pytest.mark.parametrize(
    "name", ["loaded_files", "load_notes", "_dlt_loads", 'x"; drop table y; --', "a__b"]
)
def test_a_folder_whose_name_cannot_be_a_table_is_unknown(
    workspace: Workspace, tmp_path: Path, name: str
):
    write_whole(tmp_path, "customer", id=["c"])
    write_parquet(tmp_path, name, path=["of another account"])
    before = workspace.contents("raw_export").keys()
    with pytest.raises(InputError) as caught:
        workspace.load_export(tmp_path)
    assert f"{path_of(name)}: its name does not identify its table" in str(caught.value)
    assert notes(workspace, "unknown file") == [(None, None, path_of(name))]
    assert workspace.contents("raw_export").keys() == before
    assert workspace.column("select path from raw_export.loaded_files") == [path_of("customer")]


def test_a_column_that_no_new_file_has_is_null_and_said_once(workspace: Workspace, tmp_path: Path):
    names = [name for name in TABLES["plan"] if name not in ("description", "custom_fields")]
    write_csv(tmp_path, "plan", ",".join(names))
    write_parquet(tmp_path, "plan", id=["p"], description=["in another file"])
    told = workspace.load_export(tmp_path)
    assert told.splitlines()[1:] == [
        "export: declared columns that are in no new file, loaded as null: plan (custom_fields)"
    ]
    assert notes(workspace, "missing column") == [("plan", "custom_fields", None)]


def test_a_double_lands_as_the_decimal_it_prints_as(workspace: Workspace, tmp_path: Path):
    """The digits after the 15 exact digits of a double can be rounded."""
    doubles = {"a": 0.1, "b": 1e-18, "c": -810127.205, "d": 0.0012345678901234567, "e": 0.0}
    write_parquet(tmp_path, "invoice", id=list(doubles), total=list(doubles.values()))
    workspace.load_export(tmp_path)
    assert workspace.column("select total from raw_export.invoice order by id") == [
        *(Decimal("0.1"), Decimal("1e-18"), Decimal("-810127.205")),
        *(Decimal("0.001234567890123457"), Decimal(0)),
    ]


# What stops a table

WIDE = pa.decimal128(38, 2)
LOSSES = {
    "text that is not a number": ("invoice", "total", pa.array(["1.5", "a lot"]), "a lot"),
    "an empty text": ("line_item", "total", pa.array(["1.5", ""]), ""),
    "text with 19 decimals": (
        *("sub_line_item", "subtotal"),
        pa.array(["1.5", "0.1234567890123456789"]),
        "0.1234567890123456789",
    ),
    "a decimal with 21 digits before the point": (
        *("draft_invoice", "total"),
        pa.array([Decimal("1.50"), Decimal("123456789012345678901.00")], WIDE),
        "123456789012345678901.00",
    ),
    "a decimal with 19 digits behind it": (
        *("payment", "amount"),
        pa.array([Decimal("0.1234567890123456789")], pa.decimal128(38, 19)),
        "0.1234567890123456789",
    ),
    "a double with digits too fine": (
        *("breakdowns_line_items", "total"),
        pa.array([1.5, 1.2345e-16]),
        "1.2345e-16",
    ),
    "a double that is too large": ("credit_grant", "amount_granted", pa.array([1e21]), "1e+21"),
    "a double that is not a number": ("alert", "threshold", pa.array([float("nan")]), "nan"),
    "a list for a number": ("contracts_commits", "amount", pa.array([["1"]]), "[1]"),
    "a date for a number": (
        *("credit_grant_deduction", "amount"),
        pa.array([date(2024, 1, 2)]),
        "2024-01-02",
    ),
    "text that is no time": ("plan", "created_at", pa.array(["2024-13-01"]), "2024-13-01"),
    "a number for a time": ("product", "created_at", pa.array([1709251200]), "1709251200"),
    "a number for a bool": ("draft_line_item", "is_prorated", pa.array([2]), "2"),
    "a fraction for a whole number": (
        *("breakdowns_invoices", "net_payment_term_days"),
        pa.array([30.0, 1.5]),
        "1.5",
    ),
    "a whole number that is too large": (
        *("breakdowns_draft_invoices", "net_payment_term_days"),
        pa.array(["9223372036854775808"]),
        "9223372036854775808",
    ),
}
"""Values that would be lost, each in another table."""


@pytest.fixture(scope="module")
def losses(
    new_workspace: NewWorkspace, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workspace, Path, str]:
    """Load an export with all losses and a good table. Return its folder and the message, too."""
    workspace, folder = new_workspace(), tmp_path_factory.mktemp("losses")
    write_parquet(folder, "customer", id=["c"])
    for table, column, values, _ in LOSSES.values():
        write_parquet(folder, table, "2024-01-02", id=["of a good file"])
        write_parquet(folder, table, **{column: values})
    with pytest.raises(InputError) as caught:
        workspace.load_export(folder)
    return workspace, folder, str(caught.value)


@pytest.mark.parametrize(("table", "column", "values", "lost"), LOSSES.values(), ids=LOSSES)
def test_a_value_that_would_be_lost_stops_its_table(
    losses: tuple[Workspace, Path, str], table: str, column: str, values: pa.Array, lost: str
):
    workspace, folder, message = losses
    assert f"{table} was stopped: {column} is {lost!r}, which is n" in message
    assert f"in {folder / path_of(table)}." in message
    assert (table, column, path_of(table)) in notes(workspace, "stopped")


def test_no_other_table_stops(losses: tuple[Workspace, Path, str]):
    workspace, _, _ = losses
    assert len(notes(workspace, "stopped")) == len(LOSSES)
    assert workspace.counts("raw_export") == {"customer": 1}
    assert workspace.column("select path from raw_export.loaded_files") == [path_of("customer")]


def test_values_that_fit_in_another_type_are_read(workspace: Workspace, tmp_path: Path):
    write_parquet(
        tmp_path,
        "breakdowns_invoices",
        net_payment_term_days=[30.0],
        total=pa.array([7], pa.uint64()),
        metadata=["plain"],
        issued_at=[date(2024, 1, 2)],
        status=[None],
    )
    write_parquet(tmp_path, "line_item", is_prorated=["true"], name=[1.5], metadata=[{"k": 1}])
    workspace.load_export(tmp_path)
    assert workspace.query(
        "select net_payment_term_days, total, metadata, issued_at "
        "from raw_export.breakdowns_invoices"
    ) == [(30, 7, '"plain"', datetime(2024, 1, 2, tzinfo=UTC))]
    assert workspace.query("select is_prorated, name, metadata from raw_export.line_item") == [
        (True, "1.5", '{"k":1}')
    ]


def test_a_table_goes_on_once_its_file_is_right(workspace: Workspace, tmp_path: Path):
    write_parquet(tmp_path, "customer", id=["c"])
    write_csv(tmp_path, "invoice", "id,total", "i,a lot")
    for new in ("2 rows", "1 rows"):
        with pytest.raises(InputError, match="invoice was stopped"):
            workspace.load_export(tmp_path)
        write_parquet(tmp_path, "customer", "2024-01-02", id=[new])
    write_csv(tmp_path, "invoice", "id,total", "i,1.5")
    assert workspace.load_export(tmp_path).startswith("export: 2 new of 3 files, 2 rows")
    assert workspace.counts("raw_export") == {"customer": 3, "invoice": 1}


def test_the_command_prints_what_was_loaded_and_then_what_stopped(
    workspace: Workspace, tmp_path: Path
):
    write_whole(tmp_path, "customer", id=["c"])
    write_csv(tmp_path, "invoice", "id,total", "i,a lot")
    done = workspace.dlt("pipeline", "run", SOURCES__METRONOME_EXPORT__BUCKET_URL=str(tmp_path))
    assert done.returncode == 1
    loaded, stopped, *_ = done.stdout.splitlines()
    assert loaded.startswith(f"export: 1 new of 2 files, 1 rows from {tmp_path} (")
    assert stopped == "export: stopped tables, whose new files are not loaded: invoice"
    assert "invoice was stopped: total is 'a lot'" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
