"""Accounts at several instants, and what the tests read of them."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from sandbox.billing.simulate import simulate
from sandbox.core.account import Account, AccountState
from sandbox.core.records import NOW, PRODUCTION, Record

CLOCKS = (
    datetime(2024, 2, 1, tzinfo=UTC),
    datetime(2024, 3, 16, 11, 20, tzinfo=UTC),
    NOW,
    datetime(2024, 6, 12, 23, 59, 59, tzinfo=UTC),
)

simulated = cache(lambda as_of: simulate(as_of=as_of))
"""Simulates the account at an instant, once."""


def account_at(*moment: int) -> Account:
    """Return the account at a time of 2024."""
    return simulated(datetime(2024, *moment, tzinfo=UTC))


def amount(records: list[Record], key: str = "total") -> Decimal:
    return sum((record[key] for record in records), Decimal(0))


def of_customer(state: AccountState, name: str) -> list[Record]:
    return state.invoices_by_customer[state.customer(name)["id"]]


def constituents_of(state: AccountState) -> set[str]:
    return {
        item["invoice_id"]
        for invoice in state.invoices
        for item in invoice.get("constituent_invoices", [])
    }


def exported_invoices(state: AccountState) -> list[Record]:
    """Neither drafts nor what a consolidated invoice sums up."""
    constituents = constituents_of(state)
    assert constituents or state.environment != PRODUCTION
    return [
        invoice
        for invoice in state.invoices
        if invoice["status"] != "DRAFT" and invoice["id"] not in constituents
    ]


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
