"""Evaluate alerts: the account's thresholds, and each customer's status."""

from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.core.account import AccountState
from sandbox.core.records import USD_ID, Record, make_id, to_text, to_time, total
from sandbox.scenario.catalog import CREATED, USD

EVALUATING = timedelta(days=14)
"""The time after its creation in which a customer's balance is not evaluated."""

_USD_UNIT = {"id": USD_ID, "name": USD}

# Name: type, status, threshold in cents.
_ALERTS = {
    "Spend above $1,000": ("spend_threshold_reached", "enabled", Decimal(100000)),
    "Commit below $100": ("low_remaining_commit_balance_reached", "enabled", Decimal(10000)),
    "Credit below $50.50": (
        "low_remaining_contract_credit_balance_reached",
        "enabled",
        Decimal(5050),
    ),
    "Any invoice": ("invoice_total_reached", "disabled", Decimal(1)),
    "Old spend limit": ("spend_threshold_reached", "archived", Decimal(50000)),
}


def account_alerts(state: AccountState) -> list[Record]:
    """Return the alerts of an environment, which watch all of its customers."""
    return [
        {
            "id": make_id(state.environment, "alert", name),
            "name": name,
            "type": kind,
            "status": status,
            "threshold": threshold,
            "credit_type": _USD_UNIT,
            "updated_at": CREATED,
        }
        for name, (kind, status, threshold) in _ALERTS.items()
    ]


def customer_alerts(customer: Record, state: AccountState, now: datetime) -> list[Record]:
    """Return all alerts with the customer's status, null where the alert is not evaluated."""
    alerts = []
    for alert in account_alerts(state):
        reason, status = None, None
        if alert["status"] == "enabled":
            status, reason = _status(alert["type"], alert["threshold"], customer, state, now)
        record = {"customer_status": status, "alert": alert}
        alerts.append({**record, "triggered_by": reason} if reason else record)
    return alerts


def _status(
    kind: str, threshold: Decimal, customer: Record, state: AccountState, now: datetime
) -> tuple[str | None, str | None]:
    """Return the status of an alert, and the reason if it is in alarm."""
    if kind == "spend_threshold_reached":
        spent = _current_spend(customer["id"], state, now)
        if spent is None:
            return None, None
        alarm, reason = spent >= threshold, f"Current spend of {spent} cents"
    else:
        wanted = "PREPAID" if "commit" in kind else "CREDIT"
        balances = [
            item["balance"]
            for item in state.balances.get(customer["id"], [])
            if item["type"] == wanted and item["access_schedule"]["credit_type"]["id"] == USD_ID
        ]
        if not balances:
            return None, None
        if now - to_time(customer["created_at"]) < EVALUATING:
            return "evaluating", None
        left = total(balances)
        alarm, reason = left <= threshold, f"Remaining balance of {left} cents at {to_text(now)}"
    return ("in_alarm", reason) if alarm else ("ok", None)


def _current_spend(customer_id: str, state: AccountState, now: datetime) -> Decimal | None:
    """Add up the drafts of the current period in US cents. Returns None if there are none."""
    totals = [
        invoice["total"]
        for invoice in state.invoices_by_customer.get(customer_id, [])
        if invoice["status"] == "DRAFT"
        and invoice["credit_type"]["id"] == USD_ID
        and "start_timestamp" in invoice
        and to_time(invoice["start_timestamp"]) <= now < to_time(invoice["end_timestamp"])
    ]
    return total(totals) if totals else None
