"""Yield rows of the export's contract tables: a full snapshot per day.

A snapshot has no rows of archived objects.
"""

from collections.abc import Iterator
from decimal import Decimal

from sandbox.core.account import AccountState
from sandbox.core.records import Record, make_id, to_json_text, to_time, total
from sandbox.export.rows.core import Row, unit_columns

Rows = Iterator[tuple[str, Row]]

_LEDGERS = {
    "PREPAID_COMMIT_": "prepaid_",
    "POSTPAID_COMMIT_": "postpaid_",
    "CREDIT_": "credit_",
}
_RENAMED = {"credited": "commit_credited", "expiration": "segment_expiration"}
_COST_DECIMALS = Decimal("1e-12")


def contract_rows(state: AccountState) -> Rows:
    """Yield the rows of contracts, commits, credits and their parts.

    The caller adds the columns that all rows of a snapshot share: its id, time and environment.
    """
    for customer_id, contracts in state.contracts.items():
        for contract in contracts:
            yield "contracts_contracts", _contract(contract)
            for parts in (_charges, _subscriptions, _recurring, _overrides, _transitions):
                yield from parts(state, contract)
            yield from _thresholds(state, contract)
            yield from _edits(state, contract)
            yield from _usage_filters(contract)
        for balance in state.balances[customer_id]:
            yield from _balance(state, customer_id, balance)
    yield from _hierarchies(state)


def _contract(contract: Record) -> Row:
    return {
        "id": contract["id"],
        "name": contract["name"],
        "customer_id": contract["customer_id"],
        "package_id": contract.get("package_id"),
        "rate_card_id": contract["rate_card_id"],
        "starting_at": to_time(contract["starting_at"]),
        "ending_before": to_time(contract.get("ending_before")),
        "archived_at": to_time(contract.get("archived_at")),
        "multiplier_override_prioritization": "LOWEST_MULTIPLIER",
        "net_payment_terms_days": contract["net_payment_terms_days"],
        "usage_statement_schedule_frequency": contract["usage_statement_schedule"]["frequency"],
        "metadata": "{}",
        "created_at": to_time(contract["created_at"]),
        "created_by": contract["created_by"],
    }


def _balance(state: AccountState, customer_id: str, balance: Record) -> Rows:
    """Yield a row of contracts_balances, and of contracts_commits for a contract's commit."""
    origin = balance.get("rolled_over_from", {})
    contract_id = balance.get("contract", {}).get("id")
    access = balance["access_schedule"]
    items = [
        {
            "id": item["id"],
            "amount": item["amount"],
            "date": item["starting_at"],
            "end_date": item["ending_before"],
        }
        for item in access["schedule_items"]
    ]
    granted = total(item["amount"] for item in items)
    payment = balance.get("invoice_schedule")
    row = {
        "id": balance["id"],
        "contract_id": contract_id,
        "type": balance["type"].lower(),
        "name": balance["name"],
        "priority": Decimal(balance["priority"]),
        "product_id": balance["product"]["id"],
        "access_schedule": to_json_text(
            {"credit_type": access["credit_type"], "schedule_items": items}
        ),
        "invoice_schedule": to_json_text(_payment(payment)) if payment else None,
        "rollover_fraction": balance.get("rollover_fraction"),
        "rate_type": balance["rate_type"],
        "ledger": to_json_text([_entry(state, balance, entry) for entry in balance["ledger"]]),
        "rolled_over_from_commit_id": origin.get("commit_id"),
        "rolled_over_from_contract_id": origin.get("contract_id"),
        "recurring_commit_id": balance.get("recurring_credit_id"),
        "metadata": "{}",
        "balance": balance["balance"],
        "cost_basis": _cost_basis(balance, granted),
    }
    more = {
        "customer_id": customer_id,
        "invoice_contract_id": contract_id if payment else None,
        "applicable_contract_ids": to_json_text([contract_id]) if contract_id else None,
    }
    yield "contracts_balances", row | more
    if contract_id and balance["type"] != "CREDIT":
        yield "contracts_commits", row | {"amount": granted}


def _payment(schedule: Record) -> Record:
    items = [
        {
            "id": item["id"],
            "amount": item["amount"],
            "date": item["timestamp"],
            "invoice_id": item.get("invoice_id"),
        }
        for item in schedule["schedule_items"]
    ]
    return {
        "credit_type": schedule["credit_type"],
        "do_not_invoice": False,
        "schedule_items": items,
    }


def _cost_basis(balance: Record, granted: Decimal) -> Decimal | None:
    """Return the price per granted unit of a prepaid commit that was bought."""
    if balance["type"] != "PREPAID" or "invoice_schedule" not in balance:
        return None
    paid = total(item["amount"] for item in balance["invoice_schedule"]["schedule_items"])
    return (paid / granted).quantize(_COST_DECIMALS)


def _entry(state: AccountState, balance: Record, entry: Record) -> Record:
    """Return a ledger entry with the export's name of its type."""
    prefix = next(prefix for prefix in _LEDGERS if entry["type"].startswith(prefix))
    kind = entry["type"].removeprefix(prefix).lower()
    kind = _RENAMED.get(kind, kind)
    keys = ("timestamp", "amount", "segment_id", "invoice_id", "reason", "new_contract_id")
    record = {"type": _LEDGERS[prefix] + kind, **{key: entry[key] for key in keys if key in entry}}
    if kind == "rollover":
        record["new_commit_id"] = _successor(state, balance)
    return record


def _successor(state: AccountState, balance: Record) -> str | None:
    for others in state.balances.values():
        for other in others:
            if other.get("rolled_over_from", {}).get("commit_id") == balance["id"]:
                return other["id"]
    return None


def _charges(state: AccountState, contract: Record) -> Rows:
    for charge in contract["scheduled_charges"]:
        if "archived_at" in charge:
            continue
        schedule = _payment(charge["schedule"])
        row = {
            "id": charge["id"],
            "contract_id": contract["id"],
            "name": charge["name"],
            "product_id": charge["product"]["id"],
            **unit_columns(schedule["credit_type"]),
            "schedule": to_json_text({"schedule_items": schedule["schedule_items"]}),
            "metadata": "{}",
        }
        yield "contracts_scheduled_charges", row


def _subscriptions(state: AccountState, contract: Record) -> Rows:
    fiat = next(
        card["fiat_credit_type"]
        for card in state.catalog.rate_cards
        if card["id"] == contract["rate_card_id"]
    )
    for item in contract.get("subscriptions", []):
        product = item["subscription_rate"]["product"]
        row = {
            "id": item["id"],
            "customer_id": contract["customer_id"],
            "contract_id": contract["id"],
            "product_id": product["id"],
            "name": product["name"],
            "billing_frequency": item["subscription_rate"]["billing_frequency"],
            "billing_cycle_config": to_json_text({"anchor_date": item["starting_at"]}),
            "collection_schedule": item["collection_schedule"],
            "is_prorated": item["proration"]["is_prorated"],
            "invoice_behavior": item["proration"]["invoice_behavior"],
            "quantity_schedule": to_json_text(item["quantity_schedule"]),
            "fiat_credit_type_id": fiat["id"],
            "metadata": "{}",
            "starting_at": to_time(item["starting_at"]),
            "ending_before": to_time(item.get("ending_before")),
        }
        yield "contracts_subscriptions", row


def _recurring(state: AccountState, contract: Record) -> Rows:
    for item in contract.get("recurring_credits", []):
        row = {
            "id": item["id"],
            "contract_id": contract["id"],
            "customer_id": contract["customer_id"],
            "type": "credit",
            "name": item["name"],
            "priority": Decimal(item["priority"]),
            "product_id": item["product"]["id"],
            "access_amount": to_json_text(item["access_amount"]),
            "rate_type": item["rate_type"],
            "commit_duration": to_json_text(item["commit_duration"]),
            "proration": item["proration"],
            "recurrence_frequency": item["recurrence_frequency"],
            "metadata": "{}",
            "starting_at": to_time(item["starting_at"]),
            "ending_before": to_time(item.get("ending_before")),
        }
        yield "contracts_recurring_commits_and_credits", row


def _overrides(state: AccountState, contract: Record) -> Rows:
    """Yield overrides. An override that begins after its contract has an amendment."""
    for item in contract["overrides"]:
        starting_at = to_time(item["starting_at"])
        amendment_id = None
        if starting_at > to_time(contract["starting_at"]):
            amendment_id = make_id("amendment", item["id"])
            amendment = {
                "id": amendment_id,
                "contract_id": contract["id"],
                "effective_at": starting_at,
                "metadata": "{}",
                "created_at": to_time(item["created_at"]),
                "created_by": contract["created_by"],
            }
            yield "contracts_amendments", amendment
        rate = item.get("overwrite_rate", {})
        unit = rate.get("credit_type", {})
        row = {
            "id": item["id"],
            "contract_id": contract["id"],
            "amendment_id": amendment_id,
            "product_id": item["product"]["id"],
            "entitled": item["entitled"],
            "rate_type": rate.get("rate_type", item["type"]),
            "multiplier": item.get("multiplier"),
            "priority": item.get("priority"),
            "new_rate": to_json_text(rate) if rate else None,
            "credit_type_id": unit.get("id"),
            "credit_type_name": unit.get("name"),
            "override_specifiers": to_json_text(item["override_specifiers"]),
            "target": item["target"],
            "is_commit_specific": False,
            "metadata": "{}",
            "starting_at": starting_at,
            "ending_before": to_time(item.get("ending_before")),
            "created_at": to_time(item["created_at"]),
        }
        yield "contracts_overrides", row


def _transitions(state: AccountState, contract: Record) -> Rows:
    """Yield each transition once, with the contract that it leads to."""
    for item in contract["transitions"]:
        if item["to_contract_id"] == contract["id"]:
            row = {
                "id": make_id("transition", item["from_contract_id"], item["to_contract_id"]),
                "type": item["type"].lower(),
                "contract_id": contract["id"],
                "from_contract_id": item["from_contract_id"],
                "to_contract_id": item["to_contract_id"],
                "date": to_time(contract["starting_at"]),
                "metadata": "{}",
            }
            yield "contracts_transitions", row


def _edits(state: AccountState, contract: Record) -> Rows:
    for edit in state.contract_edits.get(contract["id"], []):
        changes = {key: edit[key] for key in edit if key not in ("id", "timestamp")}
        row = {
            "id": edit["id"],
            "contract_id": contract["id"],
            "timestamp": to_time(edit["timestamp"]),
            "edits": to_json_text(changes),
            "metadata": "{}",
            "created_by": contract["created_by"],
        }
        yield "contracts_edits", row


def _thresholds(state: AccountState, contract: Record) -> Rows:
    """Yield the automatic top-up of a contract, and a disabled spend threshold."""
    config = contract.get("prepaid_balance_threshold_configuration")
    if config is None:
        return
    common = {
        "contract_id": contract["id"],
        "threshold_amount": config["threshold_amount"],
        "commit_name": config["commit"]["name"],
        "commit_product_id": config["commit"]["product_id"],
        "payment_gate_type": config["payment_gate_config"]["payment_gate_type"],
        "metadata": "{}",
    }
    prepaid = {
        "id": make_id("prepaid threshold", contract["id"]),
        "enabled": config["is_enabled"],
        "recharge_to_amount": config["recharge_to_amount"],
        "commit_duration_value": 1,
        "commit_duration_unit": "YEARS",
        "commit_rate_type": "LIST_RATE",
    }
    yield "contracts_prepaid_balance_threshold_configurations", common | prepaid
    spend = {"id": make_id("spend threshold", contract["id"]), "enabled": False}
    yield "contracts_spend_threshold_configurations", common | spend


def _usage_filters(contract: Record) -> Rows:
    """Yield the usage filter of a contract made from a package, which accepts all usage."""
    if "package_id" not in contract:
        return
    row = {
        "id": make_id("usage filter", contract["id"]),
        "contract_id": contract["id"],
        "starting_at": to_time(contract["starting_at"]),
        "group_key": "version",
        "group_values": to_json_text(["v1", "v2"]),
        "metadata": "{}",
    }
    yield "contracts_usage_filters", row | {"version": 1}
    until = {"ending_before": to_time(contract.get("ending_before"))}
    yield "contracts_usage_filter_schedule", row | until


def _hierarchies(state: AccountState) -> Rows:
    """Yield the hierarchy of contracts on a consolidated invoice. The first is the parent."""
    families = {
        tuple(
            (item["contract_id"], item["customer_id"]) for item in invoice["constituent_invoices"]
        )
        for invoice in state.invoices
        if "constituent_invoices" in invoice
    }
    for family in sorted(families):
        (parent_id, customer_id), *children = family
        common = {
            "payer": "PARENT",
            "usage_statement_behavior": "CONSOLIDATE",
            "invoice_consolidation_type": "CONCATENATE",
            "metadata": "{}",
        }
        info = [
            {"contract_id": contract_id, "customer_id": child} for contract_id, child in children
        ]
        parent = {
            "id": make_id("hierarchy", parent_id),
            "contract_id": parent_id,
            "child_info": to_json_text(info),
        }
        yield "contract_hierarchy_configurations", common | parent
        for contract_id, _ in children:
            child = {
                "id": make_id("hierarchy", contract_id),
                "contract_id": contract_id,
                "parent_contract_id": parent_id,
                "parent_customer_id": customer_id,
            }
            yield "contract_hierarchy_configurations", common | child


def price_rows(state: AccountState) -> Rows:
    """Yield the rows of rate cards, their entries, product versions and packages."""
    catalog = state.catalog
    for card in catalog.rate_cards:
        fiat = card["fiat_credit_type"]
        row = {
            "id": card["id"],
            "name": card["name"],
            "description": card.get("description"),
            "fiat_credit_type_id": fiat["id"],
            "fiat_credit_type_name": fiat["name"],
            "credit_type_conversions": to_json_text(card.get("credit_type_conversions", [])),
            "aliases": to_json_text(card.get("aliases", [])),
            "metadata": "{}",
            "created_by": card["created_by"],
            "created_at": to_time(card["created_at"]),
        }
        yield "contracts_rate_cards", row
        for order, rate in enumerate(catalog.rates[card["id"]]):
            unit = rate["rate"]["credit_type"]
            entry = {
                "id": make_id("rate", card["id"], rate["product_id"]),
                "rate_card_id": card["id"],
                "product_id": rate["product_id"],
                "version": 1,
                "entitled": rate["entitled"],
                "rate": to_json_text(rate["rate"]),
                "product_order": order,
                "metadata": "{}",
                **unit_columns(unit),
                "billing_frequency": rate.get("billing_frequency"),
                "starting_at": to_time(rate["starting_at"]),
            }
            yield "contracts_rate_card_entries", entry
    for product in catalog.contract_products.values():
        versions = [product["initial"], *product["updates"]]
        for number, version in enumerate(versions, start=1):
            row = {
                "id": make_id("product version", product["id"], number),
                "product_list_item_id": product["id"],
                "type": product["type"],
                "version": number,
                "name": version["name"],
                "is_refundable": True,
                "billable_metric_id": product["current"].get("billable_metric_id"),
                "tags": to_json_text(product["current"]["tags"]),
                "metadata": "{}",
                "starting_at": to_time(version["created_at"]),
                "created_at": to_time(version["created_at"]),
                "created_by": version["created_by"],
            }
            yield "contracts_product_list_item_versions", row
    for package in catalog.packages:
        row = {
            "id": package["id"],
            "name": package["name"],
            "rate_card_id": package["rate_card_id"],
            "usage_statement_schedule_frequency": package["usage_statement_schedule"]["frequency"],
            "aliases": "[]",
            "created_at": to_time(package["created_at"]),
            "created_by": package["created_by"],
            "metadata": "{}",
        }
        yield "packages", row
