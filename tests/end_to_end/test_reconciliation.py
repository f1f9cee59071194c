"""Test the reconciliation report: equal on the sandbox, and different if one row differs."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.end_to_end.conftest import EVERYBODY
from tests.end_to_end.project import MODELS, Run, RunError

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

SUMS = {
    "invoices": "total",
    "line_items": "total",
    "sub_line_items": "quantity",
    "invoice_breakdowns": "total",
    "balances": "balance",
}
"""Staged columns of the export that are compared with a sum. The lines are those with sub lines."""

COMPARING = (
    *("--select", "+rpt_reconciliation", "+fct_recognized_revenue", "+fct_billings_by_plan"),
    *("+fct_balances", "+fct_balance_ledger"),
    *("--exclude", "path:models/staging"),
)
"""What compares amounts and can run on staging as it is."""

REVENUE_TESTS = (
    "assert_recognized_revenue_is_billings_and_commits",
    "assert_revenue_bills_what_plans_bill",
)


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


def test_sums_of_doubles_agree_and_a_cent_is_still_found(export_alone: Run, tmp_path: Path) -> None:
    """As doubles, 0.1 + 0.2 is 0.30000000000000004. Every sum gets such an error."""
    run = export_alone.copy(tmp_path)
    run.execute(
        "update raw_export.loaded_files set has_doubles = true where table_name = 'invoice'"
    )
    with_parts = "select line_item_id from staging.stg_metronome_export__sub_line_items"
    for table, column in SUMS.items():
        only = f"where line_item_id in ({with_parts})" if table == "line_items" else ""
        run.execute(
            f"update staging.stg_metronome_export__{table} "
            f"set {column} = cast({column} as double) * (1 + cast(4e-16 as double)) {only}"
        )
    run.build(*COMPARING, "--exclude-resource-type", "unit_test", **EVERYBODY)
    ((inexact,),) = run.query(
        "select count(*) from marts.fct_reconciliation_lines where total_amount <> lines_amount"
    )
    assert inexact > 100
    assert run.report("reconciliation") == export_alone.report("reconciliation")

    run.execute(
        "update staging.stg_metronome_export__invoices set total = total + 1 "
        f"where invoice_id = ({AN_INVOICE})"
    )
    run.build(*COMPARING, *MODELS, **EVERYBODY)
    assert counts(run, "lines to invoice total", "different") == 1
    with pytest.raises(RunError) as failed:
        run.build("--select", *REVENUE_TESTS, command="test", **EVERYBODY)
    assert all(f"Failed: {name}, rows: 1" in str(failed.value) for name in REVENUE_TESTS)
