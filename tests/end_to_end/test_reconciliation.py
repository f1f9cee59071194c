"""Test the reconciliation report: equal on the sandbox, and different if one row differs."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.end_to_end.project import MODELS, Run

CHECKS = [
    "usage to invoice",
    "API to export",
    "lines to invoice total",
    "sub lines to line totals",
    "days to invoice total",
    "ledger to balance",
    "deductions to grant balance",
]
A_USAGE_CHARGE = """
    select max(sub_line.id)
    from raw_export.sub_line_item as sub_line
    join raw_export.line_item as line on line.id = sub_line.line_item_id
    join raw_export.invoice as invoice on invoice.id = line.invoice_id
    where sub_line.billable_metric_id is not null and invoice.environment_type = 'PRODUCTION'
    and invoice.id not in (select id from raw_export.invoice where status = 'VOID')
"""
AN_INVOICE = """
    select max(id) from raw_export.invoice
    where environment_type = 'PRODUCTION' and credit_type_name = 'USD (cents)'
"""


def counts(run: Run, check: str, column: str) -> int:
    """Return a column of the report, summed over the units of a check."""
    return sum(
        int(row[column]) for row in run.report("reconciliation") if row["check_name"] == check
    )


def test_everything_is_compared_and_equal(both: Run) -> None:
    rows = both.report("reconciliation")
    assert list(dict.fromkeys(row["check_name"] for row in rows)) == CHECKS
    for row in rows:
        assert int(row["compared"]) == int(row["equal"]) > 0
        assert (row["different"], row["only_in_one"], row["difference"]) == ("0", "0", "0")
    assert counts(both, "usage to invoice", "not_comparable") == 0


@pytest.mark.parametrize(
    ("check", "table", "column", "row", "fault", "difference"),
    [
        ("usage to invoice", "sub_line_item", "quantity", A_USAGE_CHARGE, "2", "2"),
        ("API to export", "invoice", "total", AN_INVOICE, "250", "2.5"),
    ],
)
def test_a_row_that_is_wrong_is_in_the_report(
    both: Run,
    tmp_path: Path,
    check: str,
    table: str,
    column: str,
    row: str,
    fault: str,
    difference: str,
) -> None:
    run = both.copy(tmp_path)
    # in staging, which does not read again what it holds of a file
    staged = f"staging.stg_metronome_export__{table}s"
    run.execute(f"update {staged} set {column} = {column} + {fault} where {table}_id = ({row})")
    run.build(
        *("--select", "int_reconciliation_sources_compared+", "int_reconciliation_charges+"),
        *MODELS,
    )
    (wrong,) = [row for row in run.report("reconciliation") if row["different"] != "0"]
    assert (wrong["check_name"], wrong["different"]) == (check, "1")
    assert Decimal(wrong["difference"]) == Decimal(difference)
    assert counts(run, check, "compared") == counts(both, check, "compared")


def test_a_check_without_its_source_compares_nothing(export_alone: Run) -> None:
    assert counts(export_alone, "API to export", "compared") == 0
    assert counts(export_alone, "usage to invoice", "compared") > 0
    # without the API's filters, a metric whose name holds no value is not taken for equal
    assert counts(export_alone, "usage to invoice", "not_comparable") > 0
    assert counts(export_alone, "usage to invoice", "different") == 0
