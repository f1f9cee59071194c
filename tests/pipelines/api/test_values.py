"""Numbers, nested lists, nulls and unknown fields as they land in the raw tables."""

import re
from decimal import Decimal

import pytest

from pipelines.metronome_api.api_tables import RAW_TABLES
from pipelines.metronome_api.arrow import ArrowTables
from sandbox.api.server import serving
from tests.pipelines.api.answers import Loaded
from tests.pipelines.conftest import (
    Lists,
    Rows,
    Workspace,
)


def test_numbers_are_those_of_the_bytes(details: Loaded):
    invoice = details.workspace.query(
        "select total, subtotal, external_invoice__invoiced_total from raw_api.invoices"
    )
    assert invoice == [
        (Decimal("12345678901234567890.123456789012345678"), Decimal("0.1"), Decimal(70))
    ]
    lines = "select total from raw_api.invoice_line_items order by line_number"
    assert details.workspace.column(lines) == [Decimal("1e-18"), 7]
    sub_lines = "select quantity, subtotal from raw_api.invoice_sub_line_items order by charge_id"
    assert details.workspace.query(sub_lines) == [
        (Decimal("0.3"), Decimal("1e-18")),
        (3, Decimal("-2.5")),
        (None, None),
    ]


def test_numbers_within_json_keep_their_digits(details: Loaded):
    (text,) = details.workspace.column(
        "select cast(custom_fields as varchar) from raw_api.invoices"
    )
    digits = re.findall(r"[\d.]+", text)
    assert digits == ["883406386745030.3", "0.1234567890123456", "9007199254740993"]


SAME = """"name": "One", "created_at": "2024-04-01T02:00:00+02:00", "updated_at": "2024-04-01",
    "current_billable_status": {"value": "billable", "effective_at": null},
    "ingest_aliases": ["a", 0.10], "custom_fields": {}, "customer_config": null"""


def test_a_row_with_an_unknown_field_is_otherwise_loaded_as_one_without(workspace: Workspace):
    """One goes to dlt as Arrow, the other as a Python row."""
    rows = f'{{"id": "c1", {SAME}}}, {{"id": "c2", {SAME}, "new": {{"field": 1.5}}}}'.replace(
        '"updated_at": "2024-04-01",', "", 1
    )
    with serving(Lists({"/v1/customers": [f"[{rows}]"]})) as url:
        workspace.load_api(url, "customers")
    columns = ", ".join(set(RAW_TABLES["customers"]) - {"id", "updated_at"})
    first, second = workspace.query(f"select {columns} from raw_api.customers order by id")
    assert first == second
    added = "select id, updated_at::date::text, new__field from raw_api.customers order by id"
    assert workspace.query(added) == [("c1", None, None), ("c2", "2024-04-01", Decimal("1.5"))]


def test_nested_rows_have_their_parents_keys_and_count_from_one(details: Loaded):
    def rows(columns: str, table: str) -> Rows:
        return details.workspace.query(f"select {columns} from raw_api.{table} order by all")

    assert rows("invoice_id, line_number, name", "invoice_line_items") == [
        ("i1", 1, "first"),
        ("i1", 2, "second"),
    ]
    assert rows(
        "invoice_id, line_number, sub_line_number, charge_id", "invoice_sub_line_items"
    ) == [("i1", 1, 1, "a"), ("i1", 1, 2, "b"), ("i1", 2, 1, "c")]
    assert rows(
        "consolidated_invoice_id, constituent_number, invoice_id, customer_id",
        "invoice_constituents",
    ) == [("i1", 1, "i8", "c8"), ("i1", 2, "i9", "c9")]


def test_absent_and_null_fields_are_null(details: Loaded):
    columns = "issued_at, net_payment_terms_days, status, plan_id, external_invoice__pdf_url"
    assert details.workspace.query(f"select {columns} from raw_api.invoices") == [(None,) * 5]


def test_unknown_fields_are_kept_in_full(details: Loaded):
    columns = "brand_new_text, brand_new_amount, brand_new_object__depth__amount"
    assert details.workspace.query(f"select {columns} from raw_api.invoices") == [
        ("kept", Decimal("0.123456789012345678"), Decimal("1.25"))
    ]
    brand_new_list = "select amount from raw_api.invoices__brand_new_list"
    assert details.workspace.column(brand_new_list) == [Decimal("0.1")]


def test_a_record_that_comes_twice_is_one_row(details: Loaded):
    """Archived customers are requested in a second walk, which returns the same customers here."""
    walks = [item for item in details.requests if item.url.path == "/v1/customers"]
    assert len(walks) == 2
    assert details.workspace.column("select id from raw_api.customers") == ["c1"]


@pytest.mark.parametrize("text", ["2024-01-01T00:00:00", "2024-01-01T00:00:00.1234567+00:00"])
def test_an_instant_without_a_zone_or_too_fine_is_left_to_dlt(text: str):
    tables = ArrowTables({"rows": {"at": {"name": "at", "data_type": "timestamp"}}})
    assert not list(tables.add("rows", [{"at": text}]))
    assert list(tables.flush()) == [("rows", [{"at": text}])]
