"""Commits, credits and balances of the contracts model."""

from datetime import datetime
from decimal import Decimal

from sandbox.api.arguments import ApiError, Arguments
from sandbox.api.endpoint import Endpoint
from sandbox.api.paging import BODY
from sandbox.api.view import View
from sandbox.core.records import USD_ID, Record, to_time, total

NO_UNIT = "00000000-0000-0000-0000-000000000000"
"""The pricing unit of balances that count units of a product. This account has none."""


def list_balances(view: View, call: Arguments) -> list[Record]:
    """List a customer's commits and credits, including those of contracts if requested."""
    return _balances(view, call, ("PREPAID", "POSTPAID", "CREDIT"))


def list_commits(view: View, call: Arguments) -> list[Record]:
    """List a customer's commits, including those of contracts if requested."""
    return _balances(view, call, ("PREPAID", "POSTPAID"))


def list_credits(view: View, call: Arguments) -> list[Record]:
    """List a customer's credits, including those of contracts if requested."""
    return _balances(view, call, ("CREDIT",))


def net_balance(view: View, call: Arguments) -> Record:
    """Add up a customer's usable balances in one pricing unit, with or without drafts.

    A balance that manual entries overdrew counts as zero.
    """
    if call.get("access_type", "SPEND") == "QUANTITY":
        if "credit_type_id" in call:
            raise ApiError(400, "access_type QUANTITY excludes credit_type_id")
        view.customer(call["customer_id"])
        return {"balance": 0, "credit_type_id": NO_UNIT}
    unit_id = call.get("credit_type_id", USD_ID)
    final = call.get("invoice_inclusion_mode") == "FINALIZED"
    balances = view.state(call["customer_id"]).balances.get(call["customer_id"], [])
    amounts = (
        _posted(balance, view.now) if final else balance["balance"]
        for balance in balances
        if balance["access_schedule"]["credit_type"]["id"] == unit_id
        and not balance.get("archived_at")
        and _chosen(balance, call.get("filters"))
    )
    usable = total(max(amount, Decimal(0)) for amount in amounts)
    return {"balance": usable, "credit_type_id": unit_id}


def shown(balance: Record, call: Arguments) -> Record:
    """Return a commit or credit without the parts that were not requested."""
    hidden = set()
    if not call.get("include_balance", False):
        hidden.add("balance")
    if not call.get("include_ledgers", False):
        hidden.add("ledger")
    return {key: value for key, value in balance.items() if key not in hidden}


def accesses(balance: Record) -> list[tuple[datetime, datetime]]:
    """Yield the access periods of a balance."""
    return [
        (to_time(item["starting_at"]), to_time(item["ending_before"]))
        for item in balance["access_schedule"]["schedule_items"]
    ]


def accessible(balance: Record, call: Arguments) -> bool:
    """Return whether a balance can be used at the requested time."""
    covering, after, before = (
        call.get(name) for name in ("covering_date", "starting_at", "effective_before")
    )
    return any(
        (covering is None or start <= covering < end)
        and (after is None or end > after)
        and (before is None or start < before)
        for start, end in accesses(balance)
    )


def _balances(view: View, call: Arguments, kinds: tuple[str, ...]) -> list[Record]:
    include = ("include_contract_balances", "include_contract_commits", "include_contract_credits")
    with_contracts = any(call.get(name, False) for name in include)
    wanted = call.get("id") or call.get("commit_id") or call.get("credit_id")
    balances = view.state(call["customer_id"]).balances.get(call["customer_id"], [])
    return [
        shown(balance, call)
        for balance in balances
        if balance["type"] in kinds
        and (with_contracts or "contract" not in balance)
        and (call.get("include_archived", False) or not balance.get("archived_at"))
        and wanted in (None, balance["id"])
        and call.get("access_type", "SPEND") == "SPEND"
        and not (call.get("exclude_zero_balances", False) and balance["balance"] == 0)
        and accessible(balance, call)
    ]


def _chosen(balance: Record, filters: list[Record] | None) -> bool:
    """Return whether a balance matches any of the filters. Without filters, all match."""
    kind = "CREDIT" if balance["type"] == "CREDIT" else f"{balance['type']}_COMMIT"
    return not filters or any(
        kind in item.get("balance_types", [kind])
        and balance["id"] in item.get("ids", [balance["id"]])
        and item.get("custom_fields", {}).items() <= balance["custom_fields"].items()
        for item in filters
    )


def _posted(balance: Record, now: datetime) -> Decimal:
    """Return the balance without pending deductions: the sum of the entries up to now.

    The ledger of an expired segment ends with an entry for the remainder.
    """
    if not any(start <= now < end for start, end in accesses(balance)):
        return Decimal(0)
    return total(
        entry["amount"] for entry in balance["ledger"] if to_time(entry["timestamp"]) <= now
    )


_CONTRACTS = "/v1/contracts"
SHOW = {"include_archived": "flag", "include_balance": "flag", "include_ledgers": "flag"}
_ACCESS_TYPE = {"access_type": "SPEND|QUANTITY"}
_LIST = {
    "customer_id!": "id",
    "covering_date": "time",
    "starting_at": "time",
    "effective_before": "time",
    **SHOW,
}

ENDPOINTS = [
    Endpoint(
        "POST",
        f"{_CONTRACTS}/customerBalances/list",
        list_balances,
        BODY,
        body={
            "id": "id",
            "include_contract_balances": "flag",
            "exclude_zero_balances": "flag",
            **_ACCESS_TYPE,
            **_LIST,
        },
    ),
    Endpoint(
        "POST",
        f"{_CONTRACTS}/customerCommits/list",
        list_commits,
        BODY,
        body={"commit_id": "id", "include_contract_commits": "flag", **_ACCESS_TYPE, **_LIST},
    ),
    Endpoint(
        "POST",
        f"{_CONTRACTS}/customerCredits/list",
        list_credits,
        BODY,
        body={"credit_id": "id", "include_contract_credits": "flag", **_LIST},
    ),
    Endpoint(
        "POST",
        f"{_CONTRACTS}/customerBalances/getNetBalance",
        net_balance,
        None,
        body={
            "customer_id!": "id",
            "credit_type_id": "id",
            "filters": [
                {
                    "balance_types": ["PREPAID_COMMIT|POSTPAID_COMMIT|CREDIT"],
                    "ids": "ids",
                    "custom_fields": "map",
                }
            ],
            "invoice_inclusion_mode": "FINALIZED|FINALIZED_AND_DRAFT",
            **_ACCESS_TYPE,
        },
    ),
]
