"""Yield rows of the export's plans, customers, invoices, credit grants and events."""

from collections.abc import Iterator
from decimal import Decimal
from hashlib import md5
from typing import Any

from sandbox.core.account import AccountState
from sandbox.core.records import (
    GRACE,
    PRODUCTION,
    Event,
    Record,
    Version,
    make_id,
    to_json_text,
    to_time,
    to_uuid,
)
from sandbox.scenario.catalog import CREATED

Row = dict[str, Any]


def catalog_rows(state: AccountState) -> Iterator[tuple[str, Row]]:
    """Yield rows of metrics, pricing units, plans, products and charges, with their table."""
    created = to_time(CREATED)
    dates = {"created_at": created, "updated_at": created}
    common = {"environment_type": state.environment, **dates}
    for metric in state.catalog.metrics.values():
        archived_at = to_time(metric.get("archived_at"))
        group_keys = [key for keys in metric.get("group_keys", []) for key in keys]
        yield (
            "billable_metric",
            common
            | {
                "id": metric["id"],
                "name": metric["name"],
                "aggregate": metric["aggregation_type"].lower(),
                "aggregate_keys": to_json_text([metric["aggregation_key"]]),
                "group_keys": to_json_text(group_keys) if group_keys else None,
                "archived_at": archived_at,
                "updated_at": archived_at or created,
            },
        )
    # Pricing units are the same in both environments.
    for credit_type in (
        state.catalog.credit_types.values() if state.environment == PRODUCTION else ()
    ):
        own = {"_metronome_metadata_id": make_id("credit type row", credit_type["id"])}
        yield "credit_type", common | credit_type | own
    for plan in state.catalog.plans.values():
        own = {"billing_frequency": "MONTHLY", "custom_fields": to_json_text(plan["custom_fields"])}
        yield "plan", common | plan | own
    for product in state.catalog.plan_products.values():
        own = {"description": product["name"], "custom_fields": "{}"}
        yield "product", common | product | own
    for charge in state.catalog.plan_charges:
        metric = charge["billable_metric"] or {}
        yield (
            "plan_charge",
            common
            | charge
            | {
                "id": make_id("plan charge row", charge["id"]),
                "charge_id": charge["id"],
                "billable_metric_id": metric.get("id"),
                "billable_metric_name": metric.get("name"),
                **unit_columns(charge["credit_type"]),
                "prices": to_json_text(charge["prices"]),
                "custom_fields": to_json_text(charge["custom_fields"]),
            },
        )


def customer_rows(state: AccountState) -> Iterator[tuple[str, Row]]:
    """Yield rows of customer, one per version."""
    for customer in state.customers:
        provider, reference = state.billing_provider.get(customer["id"], (None, None))
        latest = [Version(to_time(customer["updated_at"]), {})]
        for version in state.customer_versions.get(customer["id"], latest):
            shown = customer | version.changes
            yield (
                "customer",
                {
                    "id": shown["id"],
                    "name": shown["name"],
                    "ingest_aliases": to_json_text(shown["ingest_aliases"]),
                    "salesforce_account_id": shown["customer_config"]["salesforce_account_id"],
                    "billing_provider_type": provider,
                    "billing_provider_customer_id": reference,
                    "custom_fields": to_json_text(shown["custom_fields"]),
                    "environment_type": state.environment,
                    "created_at": to_time(shown["created_at"]),
                    "updated_at": version.updated_at,
                    "archived_at": to_time(shown["archived_at"]),
                },
            )


def invoice_rows(state: AccountState) -> Iterator[tuple[str, Row]]:
    """Yield rows of invoice (one per version), line_item and sub_line_item, without drafts."""
    metrics = {charge["id"]: charge["billable_metric"] for charge in state.catalog.plan_charges}
    for invoice, versions in issued(state):
        for version in versions:
            yield "invoice", _invoice_row(state, invoice | version.changes, version)
        yield from _line_rows(state, invoice, versions[0], metrics)


def grant_rows(state: AccountState) -> Iterator[tuple[str, Row]]:
    """Yield rows of credit_grant and credit_grant_deduction. Deductions follow invoices."""
    for grant in state.grants:
        given, paid = grant["grant_amount"], grant["paid_amount"]
        yield (
            "credit_grant",
            {
                "id": grant["id"],
                "customer_id": grant["customer_id"],
                "name": grant["name"],
                "priority": Decimal(grant["priority"]),
                "reason": grant["reason"],
                "amount_granted": given["amount"],
                "amount_granted_credit_type_id": given["credit_type"]["id"],
                "amount_paid": paid["amount"],
                "amount_paid_credit_type_id": paid["credit_type"]["id"],
                "created_at": to_time(CREATED),
                "updated_at": to_time(CREATED),
                "effective_at": to_time(grant["effective_at"]),
                "expires_at": to_time(grant["expires_at"]),
                "environment_type": state.environment,
            },
        )
        for entry in grant["deductions"]:
            effective_at = to_time(entry["effective_at"])
            yield (
                "credit_grant_deduction",
                {
                    "id": make_id("deduction", grant["id"], entry["invoice_id"]),
                    "credit_grant_id": grant["id"],
                    "amount": entry["amount"],
                    "memo": entry["reason"],
                    "invoice_id": entry["invoice_id"],
                    "effective_at": effective_at,
                    "updated_at": effective_at + GRACE,
                },
            )


def event_row(event: Event, environment: str) -> Row:
    """Return the row of an event, with properties as a JSON object of texts."""
    return {
        "transaction_id": event.transaction_id,
        "customer_id": event.customer,
        "timestamp": event.timestamp,
        "event_type": event.event_type,
        "properties": to_json_text(event.properties),
        "environment_type": environment,
        "_metronome_metadata_id": to_uuid(md5(event.transaction_id.encode()).digest(), 4),
        "updated_at": event.received_at,
    }


def _invoice_row(state: AccountState, invoice: Record, version: Version) -> Row:
    external = invoice.get("external_invoice") or {}
    return {
        "id": invoice["id"],
        "status": invoice["status"],
        "total": invoice["total"],
        **unit_columns(invoice["credit_type"]),
        "customer_id": invoice["customer_id"],
        "plan_id": invoice.get("plan_id"),
        "plan_name": invoice.get("plan_name"),
        "contract_id": invoice.get("contract_id"),
        "start_timestamp": to_time(invoice.get("start_timestamp")),
        "end_timestamp": to_time(invoice.get("end_timestamp")),
        "billing_provider_invoice_id": external.get("invoice_id"),
        "billing_provider_type": external.get("billing_provider_type"),
        "billing_provider_invoice_created_at": to_time(external.get("issued_at_timestamp")),
        "billing_provider_invoice_external_status": external.get("external_status"),
        "invoice_label": invoice["type"],
        "issued_at": to_time(invoice["issued_at"]),
        "metadata": '{"corrections":{}}',
        "environment_type": state.environment,
        "updated_at": version.updated_at,
    }


def numbered_lines(invoice: Record) -> list[Record]:
    """Return an invoice's lines and its adjustments as lines of quantity 1, each with `id`.

    A line keeps its id when a draft becomes final.
    """
    adjustments = invoice.get("invoice_adjustments", [])
    lines = invoice["line_items"] + [{"quantity": Decimal(1), **item} for item in adjustments]
    return [
        {**line, "id": make_id(invoice["id"], "line", position)}
        for position, line in enumerate(lines)
    ]


def line_row(line: Record) -> Row:
    """Return the columns that line_item and draft_line_item share, for a numbered line."""
    return {
        "id": line["id"],
        "credit_grant_id": line.get("credit_grant_id"),
        **unit_columns(line["credit_type"]),
        "name": line["name"],
        "quantity": line.get("quantity"),
        "total": line["total"],
        "commit_id": line.get("commit_id") or line.get("postpaid_commit", {}).get("id"),
        "product_id": line.get("product_id"),
        "unit_price": line.get("unit_price"),
        "metadata": line_metadata(line),
        "subscription_id": line.get("subscription_id"),
        "is_prorated": line.get("is_prorated"),
        "starting_at": to_time(line.get("starting_at")),
        "ending_before": to_time(line.get("ending_before")),
    }


def line_metadata(line: Record) -> str:
    """Return a line's metadata: the type of the commit that it applies, buys or trues up."""
    kind = "PostpaidCommit" if "postpaid_commit" in line else line.get("commit_type")
    return to_json_text({"commit_type": kind}) if kind else "{}"


def unit_columns(credit_type: Record) -> Row:
    """Return the two columns that name a pricing unit."""
    return {"credit_type_id": credit_type["id"], "credit_type_name": credit_type["name"]}


def issued(state: AccountState) -> Iterator[tuple[Record, list[Version]]]:
    """Yield the invoices that are final or void, with their exported versions."""
    for invoice in exported(state):
        if invoice["status"] != "DRAFT":
            latest = [Version(to_time(invoice["issued_at"]), {})]
            yield invoice, state.invoice_versions.get(invoice["id"], latest)


def exported(state: AccountState) -> list[Record]:
    """Return all invoices except the constituents of consolidated invoices."""
    constituents = {
        constituent["invoice_id"]
        for invoice in state.invoices
        for constituent in invoice.get("constituent_invoices", [])
    }
    return [invoice for invoice in state.invoices if invoice["id"] not in constituents]


def _line_rows(
    state: AccountState, invoice: Record, version: Version, metrics: dict[str, Record]
) -> Iterator[tuple[str, Row]]:
    common = {"invoice_id": invoice["id"], "updated_at": version.updated_at}
    for line in numbered_lines(invoice):
        environment = {"environment_type": state.environment}
        yield "line_item", line_row(line) | common | environment
        for sub in line.get("sub_line_items", []):
            metric = metrics[sub["charge_id"]]
            yield (
                "sub_line_item",
                {
                    "id": make_id(line["id"], sub["charge_id"]),
                    "line_item_id": line["id"],
                    "name": sub["name"],
                    "quantity": sub["quantity"],
                    "subtotal": sub["subtotal"],
                    "charge_id": sub["charge_id"],
                    "billable_metric_id": metric["id"],
                    "billable_metric_name": metric["name"],
                    "tiers": to_json_text(sub.get("tiers", [{}])),
                    "updated_at": version.updated_at,
                },
            )
