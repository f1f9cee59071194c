"""The export's tables: their columns, and the rows that one environment's books put into them."""

import json
import uuid
from collections.abc import Iterator
from hashlib import md5
from typing import Any

import simplejson

from pipelines.sandbox.account import Books, Event, Record, Version, make_id, to_time
from pipelines.sandbox.catalog import CREATED

Row = dict[str, Any]


def _columns(text: str) -> dict[str, str]:
    words = (word.partition(":") for word in text.split())
    return {name: kind or "text" for name, _, kind in words}


# Column types are text (also for JSON), decimal, timestamp and boolean; the order is the order
# in the files.
COLUMNS: dict[str, dict[str, str]] = {
    "billable_metric": _columns(
        "id aggregate aggregate_keys environment_type group_keys name "
        "created_at:timestamp archived_at:timestamp updated_at:timestamp"
    ),
    "customer": _columns(
        "id name ingest_aliases salesforce_account_id billing_provider_type "
        "billing_provider_customer_id custom_fields environment_type "
        "created_at:timestamp updated_at:timestamp archived_at:timestamp"
    ),
    "plan": _columns(
        "id name description billing_frequency starting_on:timestamp custom_fields "
        "environment_type created_at:timestamp deprecated_at:timestamp updated_at:timestamp"
    ),
    "product": _columns(
        "id name description custom_fields created_at:timestamp environment_type "
        "deprecated_at:timestamp updated_at:timestamp"
    ),
    "plan_charge": _columns(
        "id charge_id name plan_id product_id product_name billable_metric_id "
        "billable_metric_name start_period:decimal credit_type_id credit_type_name charge_type "
        "quantity:decimal prices environment_type custom_fields updated_at:timestamp"
    ),
    "invoice": _columns(
        "id status total:decimal credit_type_id credit_type_name customer_id plan_id plan_name "
        "contract_id start_timestamp:timestamp end_timestamp:timestamp "
        "billing_provider_invoice_id billing_provider_type "
        "billing_provider_invoice_created_at:timestamp billing_provider_invoice_external_status "
        "invoice_label issued_at:timestamp metadata environment_type updated_at:timestamp"
    ),
    "line_item": _columns(
        "id invoice_id credit_grant_id credit_type_id credit_type_name name quantity:decimal "
        "total:decimal commit_id product_id group_key group_value unit_price:decimal "
        "pricing_group_values metadata subscription_id is_prorated:boolean "
        "starting_at:timestamp ending_before:timestamp environment_type updated_at:timestamp"
    ),
    "sub_line_item": _columns(
        "id line_item_id name quantity:decimal subtotal:decimal charge_id billable_metric_id "
        "billable_metric_name tiers updated_at:timestamp"
    ),
    "events": _columns(
        "transaction_id customer_id timestamp:timestamp event_type properties environment_type "
        "_metronome_metadata_id updated_at:timestamp"
    ),
}

# Columns that the vendor's public flat files do not have.
NOT_IN_CSV: dict[str, set[str]] = {
    "plan_charge": {"prices"},
    "invoice": {"contract_id", "billing_provider_type", "billing_provider_invoice_created_at"},
    "line_item": {
        *("environment_type", "group_key", "unit_price", "pricing_group_values", "metadata"),
        *("subscription_id", "is_prorated", "starting_at", "ending_before"),
    },
    "events": {"_metronome_metadata_id", "updated_at"},
}


def to_json(value: Any) -> str:
    """Write compact JSON with exact numbers."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


def catalog_rows(books: Books) -> Iterator[tuple[str, Row]]:
    """Rows of billable_metric, plan, product and plan_charge, with their table's name."""
    created = to_time(CREATED)
    dates = {"created_at": created, "updated_at": created}
    common = {"environment_type": books.environment, **dates}
    for metric in books.catalog.metrics.values():
        archived_at = to_time(metric.get("archived_at"))
        group_keys = [key for keys in metric.get("group_keys", []) for key in keys]
        yield (
            "billable_metric",
            common
            | {
                "id": metric["id"],
                "name": metric["name"],
                "aggregate": metric["aggregation_type"].lower(),
                "aggregate_keys": to_json([metric["aggregation_key"]]),
                "group_keys": to_json(group_keys) if group_keys else None,
                "archived_at": archived_at,
                "updated_at": archived_at or created,
            },
        )
    for plan in books.catalog.plans.values():
        own = {"billing_frequency": "MONTHLY", "custom_fields": to_json(plan["custom_fields"])}
        yield "plan", common | plan | own
    for product in books.catalog.plan_products.values():
        own = {"description": product["name"], "custom_fields": "{}"}
        yield "product", common | product | own
    for charge in books.catalog.plan_charges:
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
                **_unit_columns(charge["credit_type"]),
                "prices": to_json(charge["prices"]),
                "custom_fields": to_json(charge["custom_fields"]),
            },
        )


def customer_rows(books: Books) -> Iterator[tuple[str, Row]]:
    """Rows of customer, one per version."""
    for customer in books.customers:
        provider, reference = books.billing_provider.get(customer["id"], (None, None))
        latest = [Version(to_time(customer["updated_at"]), {})]
        for version in books.customer_versions.get(customer["id"], latest):
            state = customer | version.changes
            yield (
                "customer",
                {
                    "id": state["id"],
                    "name": state["name"],
                    "ingest_aliases": to_json(state["ingest_aliases"]),
                    "salesforce_account_id": state["customer_config"]["salesforce_account_id"],
                    "billing_provider_type": provider,
                    "billing_provider_customer_id": reference,
                    "custom_fields": to_json(state["custom_fields"]),
                    "environment_type": books.environment,
                    "created_at": to_time(state["created_at"]),
                    "updated_at": version.updated_at,
                    "archived_at": to_time(state["archived_at"]),
                },
            )


def invoice_rows(books: Books) -> Iterator[tuple[str, Row]]:
    """Rows of invoice (one per version), line_item and sub_line_item.

    Drafts are left out, and so is what these tables could not tell from other invoices and lines:
    constituents, which the consolidated invoice sums up, and applications of postpaid commits,
    which do not count in the total.
    """
    metrics = {charge["id"]: charge["billable_metric"] for charge in books.catalog.plan_charges}
    constituents = {
        constituent["invoice_id"]
        for invoice in books.invoices
        for constituent in invoice.get("constituent_invoices", [])
    }
    for invoice in books.invoices:
        if invoice["status"] == "DRAFT" or invoice["id"] in constituents:
            continue
        latest = [Version(to_time(invoice["issued_at"]), {})]
        versions = books.invoice_versions.get(invoice["id"], latest)
        for version in versions:
            yield "invoice", _invoice_row(books, invoice | version.changes, version)
        yield from _line_rows(books, invoice, versions[0], metrics)


def event_row(event: Event, environment: str) -> Row:
    """The row of events for one event, properties as a JSON object of texts."""
    return {
        "transaction_id": event.transaction_id,
        "customer_id": event.customer,
        "timestamp": event.timestamp,
        "event_type": event.event_type,
        "properties": json.dumps(event.properties, ensure_ascii=False, separators=(",", ":")),
        "environment_type": environment,
        "_metronome_metadata_id": str(
            uuid.UUID(bytes=md5(event.transaction_id.encode()).digest(), version=4)
        ),
        "updated_at": event.received_at,
    }


def _invoice_row(books: Books, invoice: Record, version: Version) -> Row:
    external = invoice.get("external_invoice") or {}
    return {
        "id": invoice["id"],
        "status": invoice["status"],
        "total": invoice["total"],
        **_unit_columns(invoice["credit_type"]),
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
        "environment_type": books.environment,
        "updated_at": version.updated_at,
    }


def _line_rows(
    books: Books, invoice: Record, version: Version, metrics: dict[str, Record]
) -> Iterator[tuple[str, Row]]:
    """Lines, then adjustments as lines with quantity 1 and no product; ids from the position."""
    updated_at = version.updated_at
    adjustments = invoice.get("invoice_adjustments", [])
    lines = invoice["line_items"] + [{"quantity": 1, **item} for item in adjustments]
    for position, line in enumerate(lines):
        if line.get("commit_type") == "PostpaidCommit":
            continue
        line_id = make_id(invoice["id"], "line", position)
        yield (
            "line_item",
            {
                "id": line_id,
                "invoice_id": invoice["id"],
                "credit_grant_id": line.get("credit_grant_id"),
                **_unit_columns(line["credit_type"]),
                "name": line["name"],
                "quantity": line.get("quantity"),
                "total": line["total"],
                "commit_id": line.get("commit_id"),
                "product_id": line.get("product_id"),
                "unit_price": line.get("unit_price"),
                "metadata": "{}",
                "subscription_id": line.get("subscription_id"),
                "is_prorated": line.get("is_prorated"),
                "starting_at": to_time(line.get("starting_at")),
                "ending_before": to_time(line.get("ending_before")),
                "environment_type": books.environment,
                "updated_at": updated_at,
            },
        )
        for sub in line.get("sub_line_items", []):
            yield (
                "sub_line_item",
                {
                    "id": make_id(line_id, sub["charge_id"]),
                    "line_item_id": line_id,
                    "name": sub["name"],
                    "quantity": sub["quantity"],
                    "subtotal": sub["subtotal"],
                    "charge_id": sub["charge_id"],
                    "billable_metric_id": metrics[sub["charge_id"]]["id"],
                    "billable_metric_name": metrics[sub["charge_id"]]["name"],
                    "tiers": to_json(sub.get("tiers", [{}])),
                    "updated_at": updated_at,
                },
            )


def _unit_columns(credit_type: Record) -> Row:
    return {"credit_type_id": credit_type["id"], "credit_type_name": credit_type["name"]}
