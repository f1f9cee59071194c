"""Test fields that change the meaning of a row, in an export with figures computed by hand.

There are two customers, Acme and Bolt, in US dollars. Amounts in the files are in cents. Acme has
100 billed and outstanding, and 40 unbillable. Bolt's April draft is not computed yet. Some
deductions were given back, and some were not. A transaction id is used again after 62 days.
"""

import csv
import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import NewRun
from tests.end_to_end.project import MODELS, Run, RunError

USD = {"credit_type_id": "usd", "credit_type_name": "USD (cents)"}
MARCH = {"start_timestamp": "2024-03-01", "end_timestamp": "2024-04-01"}
APRIL = {"start_timestamp": "2024-04-01", "end_timestamp": "2024-05-01"}
SNAPSHOT = {"snapshot_time": "2024-04-15"}
DAY = {"breakdown_start_timestamp": "2024-03-01", "breakdown_end_timestamp": "2024-03-02"}
GRANT = {
    "amount_paid": "0",
    "amount_granted_credit_type_id": "usd",
    "amount_paid_credit_type_id": "usd",
    "effective_at": "2024-01-01",
    "expires_at": "2025-01-01",
}
FILES: dict[str, list[dict[str, str]]] = {
    "customer": [
        {"id": "acme", "name": "Acme", "ingest_aliases": "[]", "created_at": "2024-01-01"},
        {"id": "bolt", "name": "Bolt", "ingest_aliases": "[]", "created_at": "2024-01-01"},
    ],
    "credit_type": [{"id": "usd", "name": "USD (cents)", "is_currency": "true"}],
    "plan": [{"id": "gold", "name": "Gold"}],
    "product": [{"id": "images", "name": "Images"}],
    "invoice": [
        {"id": invoice, "customer_id": customer, "status": status, "total": total}
        | {"plan_id": "gold", "plan_name": "Gold", "issued_at": "2024-04-02"}
        | {"invoice_label": "PLAN_ARREARS", "metadata": metadata}
        | USD
        | MARCH
        for invoice, customer, status, total, metadata in (
            ("billed", "acme", "FINALIZED", "10000", '{"corrections":{}}'),
            ("unbillable", "acme", "FINALIZED", "4000", '{"corrections":{"of":"billed"}}'),
            ("bolt_march", "bolt", "FINALIZED", "2000", ""),
            ("void", "bolt", "VOID", "5000", ""),
        )
    ],
    "line_item": [
        {"id": f"{invoice} line", "invoice_id": invoice, "name": "Images", "product_id": "images"}
        | {"quantity": "1", "total": total}
        | USD
        for invoice, total in (
            ("billed", "10000"),
            ("unbillable", "4000"),
            ("bolt_march", "2000"),
            ("void", "5000"),
        )
    ],
    "breakdowns_invoices": [
        {"id": "day", "invoice_id": "unbillable", "customer_id": "acme", "total": "4000"}
        | {"type": "PLAN_ARREARS", "billable_status": "UNBILLABLE", "window_size": "DAY"}
        | {"plan_id": "gold", "invoice_start_timestamp": "2024-03-01"}
        | {"invoice_end_timestamp": "2024-04-01", "snapshot_timestamp": "2024-04-14"}
        | USD
        | DAY
    ],
    "breakdowns_line_items": [
        {"id": "day line", "invoice_breakdown_id": "day", "line_item_id": "unbillable line"}
        | {"name": "Images", "product_id": "images", "quantity": "1", "total": "4000"}
        | {"line_item_type": "usage", "snapshot_timestamp": "2024-04-14"}
        | USD
        | DAY
    ],
    "draft_invoice": [
        {"id": draft, "customer_id": customer, "status": status, "total": total}
        | {"plan_id": "gold", "plan_name": "Gold", "billable_status": billable}
        | {"label": "PLAN_ARREARS"}
        | USD
        | APRIL
        | SNAPSHOT
        for draft, customer, status, total, billable in (
            ("acme_april", "acme", "DRAFT", "2500", "UNBILLABLE"),
            ("bolt_april", "bolt", "DRAFT_INCOMPLETE", "", "BILLABLE"),
        )
    ],
    "draft_line_item": [
        {"id": "acme_april line", "invoice_id": "acme_april", "name": "Images"}
        | {"product_id": "images", "quantity": "1", "total": "2500"}
        | USD
        | SNAPSHOT
    ],
    "credit_grant": [
        {"id": grant, "customer_id": customer, "name": grant, "amount_granted": granted} | GRANT
        for grant, customer, granted in (
            ("given_back", "acme", "100000"),
            ("taken_by_a_void_invoice", "bolt", "100000"),
            ("stated_the_other_way", "bolt", "10000"),
        )
    ],
    "credit_grant_deduction": [
        {"id": deduction, "credit_grant_id": grant, "invoice_id": invoice, "amount": amount}
        | {"memo": "invoice", "effective_at": "2024-04-02"}
        for deduction, grant, invoice, amount in (
            ("d1", "given_back", "billed", "-30000"),
            ("d2", "given_back", "billed", "30000"),
            ("d3", "taken_by_a_void_invoice", "void", "-5000"),
            ("d4", "stated_the_other_way", "bolt_march", "2000"),
        )
    ],
    "payment": [
        {"id": "payment", "invoice_id": "billed", "customer_id": "acme", "status": "PAID"}
        | {"amount": "10000", "amount_paid": "10000", "created_at": "2024-04-03"}
        | USD
    ],
    "events": [
        {"transaction_id": transaction, "customer_id": "acme", "timestamp": day}
        | {"event_type": "image_modeler"}
        | {"properties": json.dumps({"image_size": "256x256", "num_images": images})}
        for transaction, day, images in (
            ("report-1", "2024-01-10", "5"),
            ("report-1", "2024-03-12", "7"),
            ("report-2", "2024-03-12", "100"),
            ("report-2", "2024-03-13", "100"),
        )
    ],
}
ARGUMENTS = {"customer": "", "usage_from": "2024-01-01", "usage_to": "2024-03-31"}
WARNINGS = {
    "assert_deductions_take_off": 1,
    "assert_void_invoices_take_no_credit": 1,
    "assert_paid_invoices_are_not_outstanding": 1,
    "assert_fields_have_their_usual_values": 1,
}


def write(folder: Path) -> None:
    """Write the files, each row in one environment and changed on one day."""
    for table, rows in FILES.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*columns, "environment_type", "updated_at"])
            writer.writeheader()
            for row in rows:
                writer.writerow(row | {"environment_type": "SANDBOX", "updated_at": "2024-04-14"})


@pytest.fixture(scope="module")
def small(new_run: NewRun, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return the export, loaded and built."""
    folder = tmp_path_factory.mktemp("small")
    write(folder)
    settings = {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(folder)}
    run = new_run(tmp_path_factory.mktemp("run"), settings)
    run.load()
    run.build(*MODELS, **ARGUMENTS)
    return run


def failures(run: Run) -> dict[str, int]:
    """Return the singular tests of the last command that found rows, with how many."""
    results = json.loads((run.folder / "target" / "run_results.json").read_text())["results"]
    found = {result["unique_id"].split(".")[2]: result["failures"] for result in results}
    return {test: rows for test, rows in found.items() if test.startswith("assert_") and rows}


def compiled_test(run: Run, name: str) -> str:
    """Return the SQL of a singular test, as dbt compiled it."""
    folder = run.folder / "target" / "compiled" / "metronome" / "tests" / "singular"
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


def test_rows_whose_meaning_is_chosen_are_named(small: Run) -> None:
    small.build("--write-json", "--select", "test_type:singular", **ARGUMENTS)
    assert failures(small) == WARNINGS


def test_an_unbillable_invoice_is_a_figure_of_its_own(small: Run) -> None:
    acme, bolt = small.report("customer_summary")
    assert (acme["outstanding_balance"], acme["billed_last_month"]) == ("100", "100")
    assert (acme["unbillable_invoices"], acme["unbillable_total"]) == ("1", "40")
    assert (acme["current_invoice_id"], acme["invoice_balance"]) == ("acme_april", "25")
    assert (bolt["outstanding_balance"], bolt["unbillable_total"]) == ("20", "0")
    billings = small.report("billings_by_plan")
    assert [(row["month"], row["billed_amount"]) for row in billings] == [("2024-03", "120")]
    revenue = "select sum(recognized_amount) from marts.fct_recognized_revenue"
    assert small.query(revenue) == [(120,)]
    accrued = "select sum(drafted_amount), sum(accrued_amount) from marts.fct_accrued_revenue"
    assert small.query(accrued) == [(25, 0)]


def test_a_draft_that_is_not_computed_yet_is_current_and_its_balance_unknown(small: Run) -> None:
    _, bolt = small.report("customer_summary")
    assert bolt["current_invoice_id"] == "bolt_april"
    assert bolt["current_invoice_status"] == "DRAFT_INCOMPLETE"
    assert bolt["current_invoice_is_fallback"] == "false"
    assert (bolt["invoice_balance"], bolt["gross_usage"], bolt["applied_credit"]) == ("", "", "")


def test_what_was_given_back_is_not_taken_off(small: Run) -> None:
    acme, bolt = small.report("customer_summary")
    assert acme["grant_balance"] == "1000"
    assert bolt["grant_balance"] == "1070"  # 950, and 100 with a deduction that adds 20


def test_a_transaction_id_that_is_used_again_after_34_days_is_another_event(small: Run) -> None:
    (size,) = small.report("usage_by_property")
    assert (size["property_value"], size["events"], size["quantity"]) == ("256x256", "3", "112")


def test_a_check_that_compared_nothing_does_not_agree(small: Run) -> None:
    outcomes = {row["check_name"]: row["outcome"] for row in small.report("reconciliation")}
    assert outcomes["lines to invoice total"] == "agree"
    assert outcomes["API to export"] == "nothing to compare"


@pytest.mark.parametrize(
    ("as_of", "rows"), [("2010-01-01", 1), ("2030-01-01", 1), ("2024-06-05", 0), ("2024-06-06", 1)]
)
def test_an_instant_outside_the_data_is_a_warning(small: Run, as_of: str, rows: int) -> None:
    """April's period ends on 1 May, and 35 days later is 5 June."""
    compiled = compiled_test(small, "assert_as_of_is_within_the_data")
    assert "'2024-04-15T" in compiled
    assert len(small.query(compiled.replace("'2024-04-15T", f"'{as_of}T"))) == rows


API_ROWS = {
    "invoices": "correction_record__corrected_invoice_id, payer__customer_id, customer_id, "
    "reseller_royalty) values ('billed', 'bolt', 'acme', '{}'",
    "invoice_line_items": "applied_commit_or_credit__access_type) values ('quantity'",
    "balances": "type, invoice_schedule__do_not_invoice) values ('PREPAID', true",
    "credit_grants": "paid_amount__amount) values (5",
    "customer_plans": "trial_info) values ('{}'",
}


def test_unusual_values_of_the_api_are_named(small: Run) -> None:
    for table, row in API_ROWS.items():
        columns, values = row.split(") values (")
        small.execute(
            f"insert into raw_api.{table} ({columns}, _dlt_load_id, _dlt_id) "
            f"values ({values}, 'test', 'test')"
        )
    try:
        found = small.query(compiled_test(small, "assert_fields_have_their_usual_values"))
    finally:
        for table in API_ROWS:
            small.execute(f"delete from raw_api.{table}")
    of_api = {field for model, field, *_ in found if "_api__" in model}
    assert of_api == {
        "corrected_invoice_id",
        "payer_customer_id",
        "reseller_royalty",
        "applied_access_type",
        "is_not_invoiced",
        "paid",
        "trial_info",
    }


def test_a_build_on_what_was_never_loaded_fails_and_says_so(small: Run) -> None:
    """Raw tables are there, as a load that found no file leaves them."""
    small.execute("create table kept as from raw_export.loaded_files")
    small.execute("delete from raw_export.loaded_files")
    try:
        models = "stg_metronome_export__loaded_files stg_metronome_api__runs"
        with pytest.raises(RunError, match="no load of the API or of the export was completed"):
            small.build("--select", *models.split(), **ARGUMENTS)
    finally:
        small.execute("insert into raw_export.loaded_files from kept")
        small.execute("drop table kept")
