"""Build the API objects of a contract, its subscriptions, seats and edits."""

from collections.abc import Sequence
from datetime import datetime

from sandbox.billing.commits import payment, recurring_id
from sandbox.billing.contract import Contract
from sandbox.billing.plan_invoices import months
from sandbox.core.records import Record, make_id, to_text
from sandbox.scenario.contract_terms import Scheduled, Subscription

COMMITS_LISTED = 20
"""The most commits in a contract. The list of balances has all of them."""


def contract_record(
    contract: Contract, siblings: Sequence[Contract], balances: list[Record]
) -> Record:
    """Return the API's contract.

    Args:
        contract: The contract.
        siblings: All contracts of the customer, to find renewals.
        balances: The commits and credits signed with it, those of the customer included.
    """
    terms = contract.terms
    own = [balance for balance in balances if "contract" in balance]
    commits = [balance for balance in own if balance["type"] != "CREDIT"]
    record: Record = {
        "id": contract.id,
        "customer_id": make_id("customer", contract.scenario.key),
        "name": terms.name,
        "starting_at": to_text(contract.start, "+00:00"),
        "created_at": to_text(contract.signed_at, "+00:00"),
        "created_by": "Priya Raman",
        "rate_card_id": next(
            card["id"] for card in contract.catalog.rate_cards if card["name"] == terms.rate_card
        ),
        "net_payment_terms_days": contract.scenario.terms,
        "usage_statement_schedule": {
            "frequency": "MONTHLY",
            "billing_anchor_date": to_text(contract.start.replace(day=terms.anchor), "+00:00"),
        },
        "commits": commits[:COMMITS_LISTED],
        "credits": [balance for balance in own if balance["type"] == "CREDIT"],
        "has_more": {"commits": len(commits) > COMMITS_LISTED, "credits": False},
        "overrides": _overrides(contract),
        "scheduled_charges": [
            _scheduled_charge(contract, charge)
            for charge in terms.scheduled
            if charge.line_type == "scheduled"
        ],
        "transitions": _transitions(contract, siblings),
        "usage_filter": [],
        "custom_fields": {},
    }
    if contract.end:
        record["ending_before"] = to_text(contract.end, "+00:00")
    if contract.is_archived:
        record["archived_at"] = to_text(terms.archived_at, "+00:00")
    if terms.package:
        record["package_id"] = contract.catalog.packages[0]["id"]
    if terms.subscriptions:
        record["subscriptions"] = [_subscription(contract, item) for item in terms.subscriptions]
    if terms.recurring:
        record["recurring_credits"] = _recurring_credits(contract)
    if terms.recharge:
        record["prepaid_balance_threshold_configuration"] = _recharge(contract)
    return record


def contract_edits(contract: Contract) -> list[Record]:
    """Return the edits of a contract so far, oldest first, in the form of its edit history."""
    edits = [
        (charge.archived_at, {"archive_scheduled_charges": [{"id": _charge_id(contract, charge)}]})
        for charge in contract.terms.scheduled
    ]
    if contract.terms.ended_by:
        ending = {"update_contract_end_date": to_text(contract.terms.end)}
        edits.append((contract.terms.ended_by, ending))
    for subscription in contract.terms.subscriptions:
        subscription_id = contract.subscription_id(subscription)
        edits += [
            (at, {"update_subscriptions": [{"id": subscription_id, "seat_updates": updates}]})
            for at, updates in _seat_updates(contract, subscription).items()
        ]
    done = sorted(
        (edit for edit in edits if contract.has_passed(edit[0])), key=lambda edit: edit[0]
    )
    return [
        {"id": make_id("edit", contract.id, at, *change), "timestamp": to_text(at), **change}
        for at, change in done
    ]


def seat_records(contract: Contract) -> dict[str, list[Record]]:
    """Return the past and present named seats of each seat-based subscription."""
    records = {}
    for subscription in contract.terms.subscriptions:
        taken = [seat for seat in subscription.seats if seat.start <= contract.now]
        if taken:
            records[contract.subscription_id(subscription)] = [
                {"seat_id": seat.seat_id, "starting_at": to_text(seat.start)}
                | ({"ending_before": to_text(seat.end)} if contract.has_passed(seat.end) else {})
                for seat in taken
            ]
    return records


def _seat_updates(contract: Contract, subscription: Subscription) -> dict[datetime, Record]:
    """Return the seats added and removed after the contract's start, by instant."""
    updates: dict[datetime, Record] = {}
    for seat in subscription.seats:
        for key, at in (("add_seat_ids", seat.start), ("remove_seat_ids", seat.end)):
            if at and at > contract.start:
                ids = updates.setdefault(at, {}).setdefault(
                    key, [{"seat_ids": [], "starting_at": to_text(at)}]
                )
                ids[0]["seat_ids"].append(seat.seat_id)
    return updates


def _transitions(contract: Contract, siblings: Sequence[Contract]) -> list[Record]:
    return [
        {
            "type": "RENEWAL",
            "from_contract_id": contract.contract_id(other.terms.renews),
            "to_contract_id": other.id,
        }
        for other in siblings
        if other.terms.renews is not None
        and contract.terms.key in (other.terms.key, other.terms.renews)
    ]


def _overrides(contract: Contract) -> list[Record]:
    records = []
    for override in contract.terms.overrides:
        product = contract.product(override.product)
        record = {
            "id": make_id("override", contract.id, override.product, override.start.date()),
            "created_at": to_text(contract.signed_at),
            "product": product,
            "override_specifiers": [{"product_id": product["id"]}],
            "starting_at": to_text(override.start),
            "entitled": True,
            "target": "LIST_RATE",
        }
        if override.multiplier is not None:
            record |= {"type": "MULTIPLIER", "multiplier": override.multiplier, "priority": 1}
        else:
            rate = {"rate_type": "FLAT", "price": override.price, "credit_type": contract.fiat}
            record |= {"type": "OVERWRITE", "overwrite_rate": rate}
        records.append(record)
    return records


def _charge_id(contract: Contract, charge: Scheduled) -> str:
    return make_id("scheduled", contract.scenario.key, charge.name)


def _scheduled_charge(contract: Contract, charge: Scheduled) -> Record:
    record = {
        "id": _charge_id(contract, charge),
        "name": charge.name,
        "product": contract.product(charge.product),
        "schedule": payment(contract, charge, contract.price(charge.product, charge.date).amount),
    }
    if contract.has_passed(charge.archived_at):
        record["archived_at"] = to_text(charge.archived_at)
        del record["schedule"]["schedule_items"][0]["invoice_id"]
    return record


def _recurring_credits(contract: Contract) -> list[Record]:
    return [
        {
            "id": recurring_id(contract, recurring.name),
            "contract": {"id": contract.id},
            "name": recurring.name,
            "product": contract.product("Promotional credit"),
            "access_amount": {
                "unit_price": recurring.amount,
                "quantity": 1,
                "credit_type_id": contract.unit(recurring.unit)["id"],
            },
            "priority": 1,
            "rate_type": "LIST_RATE",
            "starting_at": to_text(contract.start),
            "anchor_date": to_text(contract.start),
            "commit_duration": {"value": 1, "unit": "PERIODS"},
            "recurrence_frequency": "MONTHLY",
            "proration": "NONE",
        }
        for recurring in contract.terms.recurring
    ]


def _recharge(contract: Contract) -> Record:
    threshold, target = contract.terms.recharge
    return {
        "is_enabled": True,
        "threshold_amount": threshold,
        "recharge_to_amount": target,
        "commit": {
            "product_id": contract.product("Prepaid usage")["id"],
            "name": "Automatic top-up",
        },
        "payment_gate_config": {"payment_gate_type": "NONE"},
    }


def _subscription(contract: Contract, subscription: Subscription) -> Record:
    record: Record = {
        "id": contract.subscription_id(subscription),
        "starting_at": to_text(contract.start),
        "created_at": to_text(contract.signed_at),
        "collection_schedule": "ARREARS",
        "subscription_rate": {
            "billing_frequency": "MONTHLY",
            "product": contract.product(subscription.product),
        },
        "quantity_schedule": [
            {"quantity": quantity, "starting_at": to_text(since)}
            | ({"ending_before": to_text(until)} if until else {})
            for since, until, quantity in contract.quantities(subscription)
        ],
        "billing_periods": _billing_periods(contract),
        "quantity_management_mode": "SEAT_BASED" if subscription.seats else "QUANTITY_ONLY",
        "proration": {
            "invoice_behavior": "BILL_IMMEDIATELY",
            "is_prorated": subscription.is_prorated,
        },
        "custom_fields": {},
    }
    if subscription.seats:
        record["seat_config"] = {"seat_group_key": "user_id"}
    return record


def _billing_periods(contract: Contract) -> Record:
    """Return the previous, current and next billing period. Missing periods are left out."""
    begun = list(months(contract.start, None, contract.now, contract.terms.anchor))
    if not begun:
        return {}
    *_, following = months(contract.start, None, begun[-1][1], contract.terms.anchor)
    named = {"current": begun[-1], "next": following}
    if len(begun) > 1:
        named = {"previous": begun[-2], **named}
    return {
        name: {"starting_at": to_text(start), "ending_before": to_text(end)}
        for name, (start, end) in named.items()
    }
