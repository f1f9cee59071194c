"""The whole way on the sandbox: HTTP and files, DuckDB, models, CSVs."""

from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.core.account import Account
from tests.end_to_end.conftest import SAID
from tests.end_to_end.project import MODELS, ROOT, SANDBOX_ARGUMENTS, Run, RunError

EXPECTED = Path(__file__).parent / "expected"
REPORTS = (
    *("billings_by_plan", "credit_ledger", "customer_summary", "invoice_lines"),
    *("invoice_register", "outstanding_ageing", "reconciliation", "revenue_by_month"),
    "usage_by_property",
)


LINES = (
    *("--select", "report_parameters", "rpt_invoice_lines"),
    *("--exclude-resource-type", "unit_test"),
)


@pytest.mark.check
@pytest.mark.parametrize("report", REPORTS)
def test_reports_are_the_expected_files_byte_for_byte(both: Run, report: str) -> None:
    expected = (EXPECTED / f"{report}.csv").read_bytes()
    assert (both.reports / f"{report}.csv").read_bytes() == expected


@pytest.mark.check
@pytest.mark.parametrize("report", sorted({*REPORTS} - {"invoice_lines"}))
def test_a_report_has_one_environment(both: Run, report: str) -> None:
    """The account has customers, invoices and events of both. Invoice lines are of one customer."""
    assert {row["environment_type"] for row in both.report(report)} == {"PRODUCTION"}


def test_customer_summary_agrees_with_the_account(both: Run, account: Account) -> None:
    """The expected customers and drafts come from the account's records, not from the models."""
    rows = both.report("customer_summary")
    books = account.production
    assert {row["customer_id"] for row in rows} == {customer["id"] for customer in books.customers}

    constituents = {
        item["invoice_id"]
        for invoice in books.invoices
        for item in invoice.get("constituent_invoices", [])
    }
    drafts: dict[tuple[str, str], Decimal] = {}
    for invoice in books.invoices:
        start, end = (invoice.get(f"{side}_timestamp", "")[:19] for side in ("start", "end"))
        covers = start <= "2024-04-15T00:00:00" < end  # a scheduled invoice has neither
        if covers and invoice["status"] == "DRAFT" and invoice["id"] not in constituents:
            unit = invoice["credit_type"]["name"]
            scale = Decimal("0.01") if unit == "USD (cents)" else Decimal(1)
            key = invoice["customer_id"], unit.removesuffix(" (cents)")
            drafts[key] = drafts.get(key, Decimal(0)) + invoice["total"] * scale
    reported = {
        (row["customer_id"], row["pricing_unit"]): Decimal(row["invoice_balance"])
        for row in rows
        if row["current_invoice_is_fallback"] == "false"
    }
    assert reported == drafts


@pytest.fixture(scope="module")
def changed(both: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a copy for tests that build some models. Each test restores the reports."""
    return both.copy(tmp_path_factory.mktemp("changed"))


@pytest.mark.check
def test_dbts_unit_tests_pass(changed: Run) -> None:
    """Each test sets its own arguments. Arguments of the environment would replace them."""
    none = dict.fromkeys(SANDBOX_ARGUMENTS, "")
    changed.build("--select", "test_type:unit", command="test", **none)


def test_a_second_run_gives_the_same_bytes(both: Run, changed: Run) -> None:
    said = changed.load()
    changed.build(*MODELS)
    assert "0 new of" in said
    for report in REPORTS:
        again = (changed.reports / f"{report}.csv").read_bytes()
        assert again == (both.reports / f"{report}.csv").read_bytes()


def test_lines_of_the_invoice_add_up_to_its_total(both: Run) -> None:
    lines = both.report("invoice_lines")
    assert sum(Decimal(line["total"]) for line in lines) == Decimal(lines[0]["invoice_total"])
    for line in lines:
        assert Decimal(line["quantity"]) * Decimal(line["unit_price"]) == Decimal(line["total"])


def test_csvs_are_rfc_4180_and_no_cell_is_a_formula(both: Run) -> None:
    raw = (both.reports / "customer_summary.csv").read_bytes()
    names = [row["customer_name"] for row in both.report("customer_summary")]
    assert raw.count(b"\r\n") == len(names) + 1
    assert "'=SUM(A1:A9) Ltd" in names
    assert "Line\nBreak Studios" in names
    assert 'The "Quoted" Company' in names
    assert not [name for name in names if name[0] in "=+-@"]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ({"customer": "A1 Compny"}, "Did you mean one of these?\n      1d600aa8"),
        ({"customer": "Globex"}, "the name of 2 customers. Give the id of one"),
        ({"customer": "x'; drop schema marts cascade; --"}, "No name is similar"),
        ({"month": "2024-13"}, "month: '2024-13' is not a month"),
        ({"as_of": "2024-02-30"}, "as_of: there is no day '2024-02-30'"),
        ({"usage_from": "2024-03-26"}, "usage_to: 2024-03-25 is before usage_from"),
        ({"environment": "STAGING"}, "environment: 'STAGING' is not an environment"),
    ],
)
def test_a_wrong_argument_is_refused_and_reports_stay(
    changed: Run, argument: dict[str, str], said: str
) -> None:
    before = (changed.reports / "invoice_lines.csv").read_bytes()
    with pytest.raises(RunError) as failure:
        changed.build(*LINES, **argument)
    assert said in str(failure.value)
    assert (changed.reports / "invoice_lines.csv").read_bytes() == before


def test_an_id_works_as_the_customer_and_an_empty_month_gives_a_header(changed: Run) -> None:
    before = changed.report("invoice_lines")
    (customer_id,) = {line["customer_id"] for line in before}
    changed.build(*LINES, customer=customer_id, month="2023-11")
    assert changed.report("invoice_lines") == []
    changed.build(*LINES, customer=customer_id)
    assert changed.report("invoice_lines") == before
    changed.build(*LINES)


def test_an_api_of_another_environment_than_asked_for_is_an_error(changed: Run) -> None:
    before = (changed.reports / "customer_summary.csv").read_bytes()
    with pytest.raises(RunError, match="assert_api_environment_matches_export"):
        changed.build(
            *("--select", "int_api_environment+", "--exclude-resource-type", "unit_test"),
            environment="SANDBOX",
            customer="",
        )
    assert (changed.reports / "customer_summary.csv").read_bytes() == before


def test_lines_that_do_not_add_up_leave_the_last_good_reports(changed: Run) -> None:
    """All is built that an invoice of the API reaches, and that it is tested with."""
    before = {report: (changed.reports / f"{report}.csv").read_bytes() for report in REPORTS}
    a_finalized_invoice = "select max(id) from raw_api.invoices where status = 'FINALIZED'"
    changed.execute(
        f"update raw_api.invoices set total = total + 1 where id = ({a_finalized_invoice})"
    )
    reached = ("--select", "stg_metronome_api__invoices+", "--exclude-resource-type", "unit_test")
    with pytest.raises(RunError, match="assert_invoice_totals_equal_their_lines"):
        changed.build(*reached)
    assert before == {
        report: (changed.reports / f"{report}.csv").read_bytes() for report in REPORTS
    }


def test_a_run_prints_what_the_readme_shows(both: Run) -> None:
    """The reports with their rows and totals, and the warnings. Paths, ports and seconds differ."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = {
        line.strip() for line in (both.folder / SAID).read_text(encoding="utf-8").splitlines()
    }
    shown = readme.partition("Warning: ")[2].partition("Published: ")[0].splitlines()
    figures = {line.strip() for line in shown if line.startswith("  ") and line.strip() != "…"}
    assert len(figures) > 8
    assert figures <= printed
