"""Each report builds from the export alone, the API alone, or both, with the same figures."""

import shutil
from pathlib import Path

import pytest

from pipelines.common.errors import InputError
from tests.end_to_end.conftest import EVERYBODY, NewRun
from tests.end_to_end.project import MARTS, MODELS, Run

ARGUMENTS = ("--select", "int_api_environment+", "report_parameters+", *MODELS)
"""The models that another customer or environment changes."""


@pytest.fixture(scope="module")
def runs(
    export_alone: Run,
    loaded: Run,
    both: Run,
    api: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Run]:
    """Return the three ways to run, with everybody's invoice lines.

    The tables of the API are those of a load of both, because one load does not read the other.
    """
    api_alone = loaded.copy(tmp_path_factory.mktemp("api"))
    api_alone.settings = api
    tables = api_alone.query(
        "select table_name from duckdb_tables() where schema_name = 'raw_export'"
    )
    api_alone.execute("; ".join(f"truncate raw_export.{table}" for (table,) in tables))
    api_alone.build(*MARTS, **EVERYBODY)
    both = both.copy(tmp_path_factory.mktemp("both"))
    both.build(*ARGUMENTS, **EVERYBODY)
    return {"export": export_alone, "api": api_alone, "both": both}


def figures(run: Run, report: str, columns: str, **only: str) -> set[tuple[str, ...]]:
    """Return the distinct rows of some columns of a report."""
    return {
        tuple(row[column] for column in columns.split())
        for row in run.report(report)
        if all(row[column] == value for column, value in only.items())
    }


def test_invoices_of_a_month_have_the_same_lines_from_any_source(runs: dict[str, Run]) -> None:
    everything = [run.report("invoice_lines") for run in runs.values()]
    assert everything[0] == everything[1] == everything[2]
    assert {row["plan_name"] for row in everything[0]} >= {"Image Studio", "Standard rates"}
    assert len(everything[0]) > 150


def test_every_invoice_has_the_same_total_from_any_source(runs: dict[str, Run]) -> None:
    totals = (
        "select invoice_id, customer_id, invoice_type, invoice_status, pricing_unit, total_amount, "
        "gross_usage_amount, applied_credit_amount, billing_month, plan_id, plan_name, plan_kind, "
        "contract_id, contract_name from marts.fct_invoices where environment_type = 'PRODUCTION'"
    )
    # The export does not carry what a consolidated invoice sums up.
    shared = f"{totals} and (is_included_in_totals or invoice_status = 'VOID')"
    from_export = set(runs["export"].query(shared))
    assert from_export == set(runs["api"].query(shared))
    assert set(runs["api"].query(totals)) == set(runs["both"].query(totals))
    assert {row[3] for row in from_export} == {"DRAFT", "FINALIZED", "VOID"}
    assert len(from_export) == 180


def test_lines_have_the_same_kinds_from_any_source(runs: dict[str, Run]) -> None:
    """Compare lines by kind: the export has a plan's draft by product, not by charge."""
    kinds = (
        "select invoice_id, line_kind, pricing_unit, sum(amount) from marts.fct_invoice_lines "
        "inner join marts.fct_invoices using (invoice_id, pricing_unit) "
        "where fct_invoices.environment_type = 'PRODUCTION' and is_included_in_totals group by all"
    )
    from_export = set(runs["export"].query(kinds))
    assert from_export == set(runs["api"].query(kinds)) == set(runs["both"].query(kinds))
    assert {row[1] for row in from_export} == {
        "usage",
        "subscription",
        "scheduled",
        "commit_purchase",
        "applied_commit_or_credit",
        "adjustment",
        "conversion",
    }


def test_billings_are_the_same_from_any_source(runs: dict[str, Run]) -> None:
    billings = [run.report("billings_by_plan") for run in runs.values()]
    assert billings[0] == billings[1] == billings[2]
    assert {row["plan_kind"] for row in billings[0]} == {"plan", "package", "rate card", ""}


def test_balances_are_the_same_from_any_source(runs: dict[str, Run]) -> None:
    balances = (
        "select balance_id, balance_type, balance_name, customer_id, contract_id, pricing_unit, "
        "granted_amount, balance_amount, pending_amount, expiring_30d_amount, expired_amount, "
        "burned_30d_amount, days_left from marts.fct_balances "
        "where environment_type = 'PRODUCTION'"
    )
    ledgers = (
        "select ledger_entry_id, entry_type, segment_id, invoice_id, amount, effective_at, "
        "running_balance_amount, is_pending, is_usable from marts.fct_balance_ledger "
        "where environment_type = 'PRODUCTION' and balance_type <> 'CREDIT_GRANT'"
    )
    for query in (balances, ledgers):
        from_export = set(runs["export"].query(query))
        assert from_export == set(runs["api"].query(query)) == set(runs["both"].query(query))
        assert len(from_export) > 50


def test_customers_owe_and_have_the_same_from_any_source(runs: dict[str, Run]) -> None:
    # The API omits an unused billing provider, and the export omits a provider's error.
    ways = {"export": "billing_provider_error", "api": "billing_provider_customer_id"}
    for source, not_carried in ways.items():
        rows, expected = (runs[name].report("customer_summary") for name in (source, "both"))
        assert {row.pop(not_carried) for row in rows} < {row.pop(not_carried) for row in expected}
        assert rows == expected
        assert len(rows) > 40


def test_an_export_of_the_plans_model_leaves_the_rest_unknown(
    runs: dict[str, Run], export_folder: Path, new_run: NewRun, tmp_path: Path
) -> None:
    """No credit, no drafts, no contracts, no days, no alerts: null, never zero.

    The kinds of lines follow from the lines then, and are those that breakdowns state.
    """
    part = tmp_path / "part"
    for table in ("customer", "invoice", "line_item", "sub_line_item", "plan", "product", "events"):
        shutil.copytree(export_folder / table, part / table)
    run = new_run(tmp_path, {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(part)})
    run.load()
    run.build(*MARTS, **EVERYBODY)
    rows = run.report("customer_summary")
    silent = (
        "credit_balance contract_balance grant_balance credit_expiring_30d credit_burned_30d "
        "contract_name contract_end usage_month_to_date alerts_in_alarm"
    )
    assert {row[column] for row in rows for column in silent.split()} == {""}
    assert {row["overdue_balance"] for row in rows if row["outstanding_balance"] != "0"} == {""}
    assert {row["current_invoice_is_fallback"] for row in rows} == {"true", ""}
    assert figures(run, "billings_by_plan", "plan_name", plan_kind="contract") == {("",)}
    kinds = "select invoice_line_id, line_kind, is_in_invoice_total from marts.fct_invoice_lines"
    derived = set(run.query(kinds))
    assert derived < set(runs["export"].query(kinds))
    assert len({kind for _, kind, _ in derived}) == 7


def test_what_the_api_does_not_carry_is_absent(runs: dict[str, Run]) -> None:
    """The API has no events, so the usage report is only a header."""
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
    export_alone: Run, account_names: dict[str, set[str]], tmp_path: Path
) -> None:
    run = export_alone.copy(tmp_path)
    run.build(*ARGUMENTS, customer="", environment="SANDBOX")
    names = {row["customer_name"] for row in run.report("customer_summary")}
    assert names == account_names["SANDBOX"]
    for report in ("customer_summary", "billings_by_plan", "usage_by_property"):
        assert {row["environment_type"] for row in run.report(report)} == {"SANDBOX"}


def test_a_part_of_an_export_is_no_error(csv_folder: Path, new_run: NewRun, tmp_path: Path) -> None:
    """Only invoices, lines and events: no parent to check them against, and no customer's name."""
    part = tmp_path / "part"
    part.mkdir()
    for table in ("invoice", "line_item", "sub_line_item", "events"):
        (path,) = csv_folder.glob(f"* - {table}.csv")
        shutil.copy(path, part / f"{table}.csv")
    run = new_run(tmp_path, {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(part)})
    run.load()
    run.build(*MARTS, customer="")
    assert run.report("customer_summary") == []
    assert len(run.report("usage_by_property")) == 3
    assert len({row["invoice_id"] for row in run.report("invoice_lines")}) > 20
    assert run.report("billings_by_plan")


def test_a_source_that_is_left_out_is_said_to_count_still(
    loaded: Run, export: dict[str, str], tmp_path: Path
) -> None:
    run = loaded.copy(tmp_path)
    run.settings = export
    assert "api: not configured. Its rows of " in run.load()


def test_another_api_never_replaces_the_account(
    runs: dict[str, Run], export: dict[str, str], tmp_path: Path
) -> None:
    run = runs["api"].copy(tmp_path)
    run.settings = export | {
        "METRONOME_BASE_URL": "https://metronome.example",
        "METRONOME_BEARER_TOKEN": "another",
    }
    with pytest.raises(InputError, match=r"holds the data of sandbox, not of metronome\.example"):
        run.load()
    assert run.query("select count(*) from raw_export.invoice") == [(0,)]
