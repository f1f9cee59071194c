"""Yield rows of the export's draft tables: open invoices at the start of each day."""

from collections.abc import Iterator
from datetime import datetime

from sandbox.core.account import AccountState
from sandbox.core.records import SANDBOX, Record, make_id, to_time
from sandbox.export.rows.core import Row, exported, line_row, numbered_lines, unit_columns

NEVER_COMPUTED = "QA Robot"
"""A customer in SANDBOX whose open invoices have no total and no lines yet when exported."""


def drafts(state: AccountState) -> list[Record]:
    """Return the open invoices, including those of charges that are due later."""
    return [invoice for invoice in exported(state) if invoice["status"] == "DRAFT"]


def is_incomplete(state: AccountState, invoice: Record) -> bool:
    """Return whether an open invoice was not computed in time for the snapshot."""
    if state.environment != SANDBOX:
        return False
    return invoice["customer_id"] in {
        customer["id"] for customer in state.customers if customer["name"] == NEVER_COMPUTED
    }


def draft_rows(state: AccountState, updated_at: datetime) -> Iterator[tuple[str, Row]]:
    """Yield rows of draft_invoice and draft_line_item in the snapshot at the state's instant.

    Args:
        state: The state at the start of the snapshot's day.
        updated_at: Start of the transfer.
    """
    for invoice in drafts(state):
        incomplete = is_incomplete(state, invoice)
        common = {
            "environment_type": state.environment,
            "snapshot_time": state.now,
            "updated_at": updated_at,
        }
        yield (
            "draft_invoice",
            common
            | {
                "_metronome_metadata_id": _row_id(state, invoice["id"]),
                "id": invoice["id"],
                "status": "DRAFT_INCOMPLETE" if incomplete else "DRAFT",
                "total": None if incomplete else invoice["total"],
                **unit_columns(invoice["credit_type"]),
                "customer_id": invoice["customer_id"],
                "plan_id": invoice.get("plan_id"),
                "plan_name": invoice.get("plan_name"),
                "contract_id": invoice.get("contract_id"),
                "billable_status": invoice.get("billable_status", "billable").upper(),
                "label": invoice["type"],
                "start_timestamp": to_time(invoice.get("start_timestamp")),
                "end_timestamp": to_time(invoice.get("end_timestamp")),
            },
        )
        for line in [] if incomplete else numbered_lines(invoice):
            row_id = {"_metronome_metadata_id": _row_id(state, line["id"])}
            parent = {"invoice_id": invoice["id"]}
            yield "draft_line_item", line_row(line) | common | row_id | parent


def _row_id(state: AccountState, record_id: str) -> str:
    return make_id(record_id, "snapshot", state.now.date())
