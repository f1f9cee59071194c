"""Each report builds from the export alone, the API alone, or both, with the same figures."""

from pathlib import Path

import pytest

from pipelines.sandbox.account import Account
from pipelines.sandbox.export import write_export
from tests.end_to_end.project import Run, RunError

EVERYBODY = {"customer": "", "environment": "PRODUCTION"}


@pytest.fixture(scope="module")
def runs(
    export: dict[str, str], api: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Run]:
    """The three ways to run, with everybody's invoice lines."""
    settings = {"export": export, "api": api, "both": export | api}
    runs = {name: Run(tmp_path_factory.mktemp(name), given) for name, given in settings.items()}
    for run in runs.values():
        run.load()
        run.build("--exclude-resource-type", "unit_test", **EVERYBODY)
    return runs


def figures(run: Run, report: str, columns: str, **only: str) -> set[tuple[str, ...]]:
    """The distinct rows of some columns of a report."""
    return {
        tuple(row[column] for column in columns.split())
        for row in run.report(report)
        if all(row[column] == value for column, value in only.items())
    }


def test_finalized_invoices_have_the_same_lines_from_any_source(runs: dict[str, Run]) -> None:
    columns = (
        "invoice_id customer_id customer_name invoice_status period_start period_end line_number "
        "product_name description quantity unit_price total pricing_unit invoice_total"
    )
    from_export = figures(runs["export"], "invoice_lines", columns, plan_name="Image Studio")
    from_export |= figures(
        runs["export"], "invoice_lines", columns, plan_name="Infra Pay-as-you-go"
    )
    from_api = figures(runs["api"], "invoice_lines", columns)
    assert from_export <= from_api
    assert from_api == figures(runs["both"], "invoice_lines", columns)
    assert len(from_export) > 50


def test_every_invoice_has_the_same_total_from_any_source(runs: dict[str, Run]) -> None:
    totals = (
        "select invoice_id, customer_id, invoice_status, pricing_unit, total_amount, "
        "gross_usage_amount, applied_credit_amount, billing_month, issued_at "
        "from marts.fct_invoices where environment_type = 'PRODUCTION'"
    )
    # The export does not carry what a consolidated invoice sums up.
    finalized = (
        f"{totals} and (is_counted or invoice_status = 'VOID') and invoice_status <> 'DRAFT'"
    )
    from_export = set(runs["export"].query(finalized))
    assert from_export == set(runs["api"].query(finalized))
    assert from_export == set(runs["both"].query(finalized))
    assert set(runs["api"].query(totals)) == set(runs["both"].query(totals))
    assert len(from_export) == 133


def test_billings_are_the_same_from_any_source(runs: dict[str, Run]) -> None:
    columns = "month plan_id plan_name pricing_unit customers invoices billed_amount"
    from_api = figures(runs["api"], "billings_by_plan", columns)
    assert from_api == figures(runs["both"], "billings_by_plan", columns)
    assert figures(runs["export"], "billings_by_plan", columns, plan_kind="plan") == figures(
        runs["api"], "billings_by_plan", columns, plan_kind="plan"
    )


def test_what_the_export_does_not_carry_is_null(runs: dict[str, Run]) -> None:
    """No credit, no terms, no drafts, no contracts."""
    rows = runs["export"].report("customer_summary")
    silent = "credit_balance credit_balance_excluding_pending credit_expiring_30d contract_name"
    assert {row[column] for row in rows for column in silent.split()} == {""}
    assert {row["overdue_balance"] for row in rows if row["outstanding_balance"] != "0"} == {""}
    assert {row["current_invoice_is_fallback"] for row in rows} == {"true", ""}
    assert figures(runs["export"], "billings_by_plan", "plan_name", plan_kind="contract") == {("",)}


def test_what_the_api_does_not_carry_is_absent(runs: dict[str, Run]) -> None:
    """No events; the usage report is a header."""
    assert runs["api"].report("usage_by_property") == []
    header = (runs["api"].reports / "usage_by_property.csv").read_text().split(",")
    assert header[:3] == ["event_type", "property_name", "property_value"]
    assert runs["export"].report("usage_by_property") == runs["both"].report("usage_by_property")


def test_a_customer_without_credit_has_zero_when_the_api_was_asked(runs: dict[str, Run]) -> None:
    (nothing,) = [
        row
        for row in runs["api"].report("customer_summary")
        if row["customer_name"] == "Blank Slate Holdings"
    ]
    assert nothing["credit_balance"] == "0"
    assert nothing["pricing_unit"] == ""
    assert nothing["invoice_balance"] == ""


def test_environments_are_never_mixed(
    export: dict[str, str], account_names: dict[str, set[str]], tmp_path: Path
) -> None:
    run = Run(tmp_path, export)
    run.load()
    run.build("--exclude-resource-type", "unit_test", customer="", environment="SANDBOX")
    names = {row["customer_name"] for row in run.report("customer_summary")}
    assert names == account_names["SANDBOX"]
    for report in ("customer_summary", "billings_by_plan", "usage_by_property"):
        assert {row["environment_type"] for row in run.report(report)} == {"SANDBOX"}


def test_a_part_of_an_export_is_no_error(account: Account, tmp_path: Path) -> None:
    """Only invoices, lines and events: no parent to check them against, and no customer's name."""
    write_export(account, tmp_path / "all", "csv")
    part = tmp_path / "part"
    part.mkdir()
    for table in ("invoice", "line_item", "sub_line_item", "events"):
        (path,) = (tmp_path / "all").glob(f"* - {table}.csv")
        path.rename(part / f"{table}.csv")
    run = Run(tmp_path / "run", {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(part)})
    run.load()
    run.build("--exclude-resource-type", "unit_test", customer="")
    assert run.report("customer_summary") == []
    assert len(run.report("usage_by_property")) == 3
    assert len({row["invoice_id"] for row in run.report("invoice_lines")}) > 20
    assert run.report("billings_by_plan")


def test_a_source_that_is_left_out_is_said_to_count_still(
    export: dict[str, str], api: dict[str, str], tmp_path: Path
) -> None:
    run = Run(tmp_path, export | api)
    run.load()
    run.settings = export
    assert "api: not read now; what it held on " in run.load()


def test_another_api_never_replaces_the_account(
    export: dict[str, str], api: dict[str, str], tmp_path: Path
) -> None:
    run = Run(tmp_path, api)
    run.load()
    run.settings = export | {
        "METRONOME_BASE_URL": "https://metronome.example",
        "METRONOME_BEARER_TOKEN": "another",
    }
    with pytest.raises(RunError, match=r"holds what sandbox showed, not metronome\.example"):
        run.load()
    assert run.query("select count(*) from raw_export.invoice") == [(0,)]
