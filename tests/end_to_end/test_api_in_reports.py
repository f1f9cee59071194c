"""Test the customer summary with an API that changes over time or refuses data."""

import json
from datetime import UTC, datetime
from pathlib import Path

from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from tests.end_to_end.conftest import NewRun, api_settings
from tests.end_to_end.project import MODELS, ROOT

SUMMARY = ("--select", "+rpt_customer_summary", *MODELS)
READ = {
    "SOURCES__METRONOME_API__SELECT": json.dumps(
        [
            *("customers", "plans", "packages", "rate_cards", "contracts", "customer_plans"),
            *("billing_provider_configurations", "customer_alerts"),
            *("invoices", "invoice_breakdowns_daily", "balances", "credit_grants"),
        ]
    )
}
"""The setting to read what the summary is made from, which is a third of the account's rows."""
CREDIT = ("credit_balance", "credit_balance_excluding_pending", "credit_expiring_30d")
OWED = ("invoice_balance", "outstanding_balance", "overdue_balance", "billed_last_month")


def test_after_runs_at_two_instants_the_report_is_that_of_the_second(
    account: Account, export: dict[str, str], new_run: NewRun, tmp_path: Path
) -> None:
    """Drafts grew, became final, were paid, voided and withdrawn in between."""
    run = new_run(tmp_path, export)
    with api_settings(simulate(as_of=datetime(2024, 3, 25, tzinfo=UTC))) as earlier:
        run.settings = export | READ | earlier
        run.load()
    with api_settings(account) as later:
        run.settings = export | READ | later
        run.load()
    run.build(*SUMMARY)
    expected = ROOT / "tests" / "end_to_end" / "expected" / "customer_summary.csv"
    assert (run.reports / "customer_summary.csv").read_bytes() == expected.read_bytes()


def test_what_the_token_may_not_read_is_empty_and_not_zero(
    account: Account, new_run: NewRun, tmp_path: Path
) -> None:
    with api_settings(account, forbid=["/v1/contracts/customerBalances/list"]) as settings:
        run = new_run(tmp_path, READ | settings)
        assert "balances (HTTP 403)" in run.load()
    run.build(*SUMMARY)
    rows = run.report("customer_summary")
    assert len(rows) > 40
    assert {row[column] for row in rows for column in CREDIT} == {""}
    assert all(any(row[column] not in ("", "0") for row in rows) for column in OWED)
