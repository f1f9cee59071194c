"""Yield rows of the export's alerts and payments."""

from collections.abc import Iterator

from sandbox.billing.alerts import account_alerts, customer_alerts
from sandbox.core.account import AccountState
from sandbox.core.records import Record, Version, make_id, to_json_text, to_time
from sandbox.export.rows.core import Row, issued, unit_columns
from sandbox.scenario.catalog import CREATED


def alert_rows(state: AccountState) -> Iterator[tuple[str, Row]]:
    """Yield rows of alert, which watch all customers."""
    created = to_time(CREATED)
    for alert in account_alerts(state):
        row = {
            "id": alert["id"],
            "name": alert["name"],
            "alert_type": alert["type"],
            "threshold": alert["threshold"],
            "webhooks_enabled": True,
            "environment_type": state.environment,
            "created_at": created,
            "disabled_at": created if alert["status"] == "disabled" else None,
            "archived_at": created if alert["status"] == "archived" else None,
            "updated_at": created,
        }
        yield "alert", row


class AlertHistory:
    """The changes of alert statuses between the states of successive days."""

    def __init__(self) -> None:
        """Start before the first day."""
        self._statuses: dict[tuple[str, str], str] = {}

    def rows(self, state: AccountState) -> Iterator[tuple[str, Row]]:
        """Yield rows of customer_alert_history for the changes since the previous state."""
        for customer in state.customers:
            for record in customer_alerts(customer, state, state.now):
                alert_id, status = record["alert"]["id"], record["customer_status"]
                key = (customer["id"], alert_id)
                if status is None or self._statuses.get(key) == status:
                    continue
                self._statuses[key] = status
                reason = record.get("triggered_by")
                row = {
                    "id": make_id("alert status", *key, state.now.date()),
                    "environment_type": state.environment,
                    "customer_id": customer["id"],
                    "alert_id": alert_id,
                    "alert_status": status,
                    "additional_data": to_json_text({"triggered_by": reason} if reason else {}),
                    "created_at": state.now,
                }
                yield "customer_alert_history", row


def payment_rows(state: AccountState) -> Iterator[tuple[str, Row]]:
    """Yield rows of payment, one per status, for collected contract invoices."""
    for invoice, versions in issued(state):
        if "contract_id" in invoice and invoice.get("external_invoice") and invoice["total"]:
            for version in versions:
                yield "payment", _payment(state, invoice | version.changes, version)


def _payment(state: AccountState, invoice: Record, version: Version) -> Row:
    paid = invoice["external_invoice"]["external_status"] == "PAID"
    payment_id = make_id("payment", invoice["id"])
    return {
        "id": payment_id,
        "invoice_id": invoice["id"],
        "customer_id": invoice["customer_id"],
        "contract_id": invoice["contract_id"],
        "environment_type": state.environment,
        "amount": invoice["total"],
        "amount_paid": invoice["total"] if paid else 0,
        **unit_columns(invoice["credit_type"]),
        "status": "PAID" if paid else "PENDING",
        "payment_gateway": to_json_text({"stripe": {"payment_intent_id": f"pi_{payment_id[:8]}"}}),
        "created_at": to_time(invoice["issued_at"]),
        "updated_at": version.updated_at,
    }
