"""Yield rows of the export's breakdowns: invoices cut into days.

Days and lines without an amount are left out. The others add up to the invoice, as in the API.
"""

from collections.abc import Iterator
from datetime import datetime

from sandbox.billing.breakdowns import Measure, breakdown
from sandbox.core.account import AccountState
from sandbox.core.records import Record, make_id, to_json_text, to_time
from sandbox.core.usage_index import Quantities, floor
from sandbox.export.rows.core import Row, issued, line_metadata, numbered_lines, unit_columns
from sandbox.export.rows.drafts import drafts, is_incomplete


def breakdown_rows(state: AccountState) -> Iterator[tuple[str, Row]]:
    """Yield rows of breakdowns_invoices and breakdowns_line_items, as first finalized."""
    metrics = _metrics(state)
    for invoice, versions in issued(state):
        updated_at = versions[0].updated_at
        names = ("breakdowns_invoices", "breakdowns_line_items")
        first = invoice | versions[0].changes
        yield from _rows(state, first, metrics, names, floor(updated_at, "DAY"), updated_at)


def draft_breakdown_rows(state: AccountState, updated_at: datetime) -> Iterator[tuple[str, Row]]:
    """Yield rows of the breakdowns of open invoices in the snapshot at the state's instant."""
    names = ("breakdowns_draft_invoices", "breakdowns_draft_line_items")
    metrics = _metrics(state)
    for invoice in drafts(state):
        if not is_incomplete(state, invoice):
            yield from _rows(state, invoice, metrics, names, state.now, updated_at)


def _rows(
    state: AccountState,
    invoice: Record,
    metrics: dict[str, str],
    names: tuple[str, str],
    snapshot: datetime,
    updated_at: datetime,
) -> Iterator[tuple[str, Row]]:
    lines = numbered_lines(invoice)
    count = len(invoice["line_items"])
    numbered = {**invoice, "line_items": lines[:count]}
    if "invoice_adjustments" in invoice:
        numbered["invoice_adjustments"] = lines[count:]
    for day in breakdown(numbered, "DAY", state.now, _measure(state, invoice, metrics)):
        parts = [*day["line_items"], *day.get("invoice_adjustments", [])]
        parts = [part for part in parts if part["total"]]
        if not parts:
            continue
        common = {
            "environment_type": state.environment,
            "snapshot_timestamp": snapshot,
            "transfer_id": f"{names[0]}-{snapshot:%Y%m%d}",
            "breakdown_start_timestamp": to_time(day["breakdown_start_timestamp"]),
            "breakdown_end_timestamp": to_time(day["breakdown_end_timestamp"]),
            "updated_at": updated_at,
        }
        day_id = make_id(invoice["id"], "breakdown", day["breakdown_start_timestamp"])
        yield names[0], _day_row(day) | common | {"id": day_id}
        for part in parts:
            own = {
                "id": make_id(part["id"], "breakdown", day["breakdown_start_timestamp"]),
                "invoice_breakdown_id": day_id,
                "watermark_timestamp": updated_at,
                "billable_metric_id": _metric_of(part, metrics),
            }
            yield names[1], _part_row(part) | common | own


def _day_row(day: Record) -> Row:
    external = day.get("external_invoice")
    return {
        "invoice_id": day["id"],
        "customer_id": day["customer_id"],
        **unit_columns(day["credit_type"]),
        "net_payment_term_days": day.get("net_payment_terms_days"),
        "subtotal": day.get("subtotal", day["total"]),
        "total": day["total"],
        "type": day["type"],
        "external_invoice": to_json_text(external) if external else None,
        "plan_id": day.get("plan_id"),
        "contract_id": day.get("contract_id"),
        "custom_fields": "{}",
        "billable_status": day.get("billable_status", "billable").upper(),
        "window_size": "DAILY",
        "metadata": "{}",
        "issued_at": to_time(day["issued_at"]),
        "invoice_start_timestamp": to_time(day.get("start_timestamp")),
        "invoice_end_timestamp": to_time(day.get("end_timestamp")),
    }


def _part_row(part: Record) -> Row:
    metadata = line_metadata(part)
    return {
        "name": part["name"],
        "quantity": part.get("quantity"),
        "total": part["total"],
        "unit_price": part.get("unit_price"),
        "product_id": part.get("product_id"),
        "product_type": part.get("product_type"),
        **unit_columns(part["credit_type"]),
        "commit_id": part.get("commit_id") or part.get("postpaid_commit", {}).get("id"),
        "commit_segment_id": part.get("commit_segment_id"),
        "commit_type": "PostpaidCommit" if "postpaid_commit" in part else part.get("commit_type"),
        "subscription_id": part.get("subscription_id"),
        "is_prorated": part.get("is_prorated"),
        "line_item_id": part["id"],
        "line_item_type": part.get("type"),
        "custom_fields": "{}",
        "metadata": metadata,
    }


def _metrics(state: AccountState) -> dict[str, str]:
    """Return metric ids by plan charge and by contract product."""
    by_charge = {
        charge["id"]: charge["billable_metric"]["id"]
        for charge in state.catalog.plan_charges
        if charge["billable_metric"]
    }
    return by_charge | {
        product["id"]: product["current"]["billable_metric_id"]
        for product in state.catalog.contract_products.values()
        if "billable_metric_id" in product["current"]
    }


def _metric_of(part: Record, metrics: dict[str, str]) -> str | None:
    """Return the only metric of a line, or None. A plan's line can have several."""
    if part.get("type") == "applied_commit_or_credit":
        return None
    subs = part.get("sub_line_items", [])
    if len(subs) > 1:
        return None
    return metrics.get(subs[0]["charge_id"] if subs else part.get("product_id", ""))


def _measure(state: AccountState, invoice: Record, metrics: dict[str, str]) -> Measure:
    """Return a function that measures a line. Late usage counts in regenerated invoices only."""
    late = "regenerated_from_invoice_id" in invoice

    def measure(line: Record) -> Quantities | None:
        metric_id = metrics.get(line.get("charge_id") or line.get("product_id", ""))
        return metric_id and state.usage.days(invoice["customer_id"], metric_id, late)

    return measure
