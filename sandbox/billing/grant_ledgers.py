"""Compute ledgers and balances of credit grants."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.core.records import Record, make_id, plain, to_text, to_time, total
from sandbox.scenario.catalog import unit
from sandbox.scenario.credit_grants import Grant


def period_end(now: datetime) -> datetime:
    """Return the end of the current billing period of plans: the calendar month."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight.replace(day=1) + timedelta(days=31)).replace(day=1)


def grant_records(
    grants: list[Grant], credit_types: dict[str, Record], now: datetime
) -> tuple[list[Record], list[Record]]:
    """Return the API's grants, and one row of ledgers per customer with a grant that has begun.

    Entries are changes of the balance. A deduction is negative, so that the starting balance plus
    the entries is the ending balance. `running_balance` spans all grants of the pricing unit.
    """
    records, rows = [], []
    for customer_key in dict.fromkeys(grant.customer_key for grant in grants):
        ledgers = []
        for name in dict.fromkeys(
            grant.credit_type for grant in grants if grant.customer_key == customer_key
        ):
            own = [
                grant
                for grant in grants
                if (grant.customer_key, grant.credit_type) == (customer_key, name)
            ]
            posted, pending = _entries(own, now)
            credit_type = unit(credit_types[name])
            records += [_grant_record(grant, credit_type, posted, pending, now) for grant in own]
            if posted:
                ledgers.append(ledger_window(credit_type, posted, pending, period_end(now)))
        if ledgers:
            rows.append({"customer_id": make_id("customer", customer_key), "ledgers": ledgers})
    return records, rows


def ledger_window(
    credit_type: Record,
    entries: list[Record],
    pending: list[Record],
    closing_at: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Record:
    """Return the part of a ledger within [start, end), with the balances at both ends.

    Args:
        credit_type: The ledger's pricing unit.
        entries: All posted entries, oldest first.
        pending: All pending entries, oldest first.
        closing_at: End of the customer's current billing period.
        start: Inclusive; by default the first entry.
        end: Exclusive; by default `closing_at`, whose own entries then belong to the ledger.
    """

    def within(entry: Record) -> bool:
        at = to_time(entry["effective_at"])
        return (start is None or at >= start) and (end is None or at < end)

    def before(entry: Record) -> bool:
        return start is not None and to_time(entry["effective_at"]) < start

    opening = total(entry["amount"] for entry in entries if before(entry))
    posted = [entry for entry in entries if within(entry)]
    open_items = [entry for entry in pending if within(entry)]
    closing = opening + total(entry["amount"] for entry in posted)
    first = to_text(start) if start else entries[0]["effective_at"]

    def balance(at: str, excluding: Decimal, including: Decimal) -> Record:
        return {
            "effective_at": at,
            "excluding_pending": plain(excluding),
            "including_pending": plain(including),
        }

    including = closing + total(entry["amount"] for entry in open_items)
    return {
        "credit_type": credit_type,
        "starting_balance": balance(first, opening, opening),
        "ending_balance": balance(to_text(end or closing_at), closing, including),
        "entries": posted,
        "pending_entries": open_items,
    }


def _entries(grants: list[Grant], now: datetime) -> tuple[list[Record], list[Record]]:
    """Return the posted and the pending entries of one pricing unit, oldest first."""
    movements, closing_at = [], period_end(now)
    for grant in grants:
        movements.append((grant.effective_at, 0, grant, grant.amount, "Credit grant", None))
        movements += [
            (at, 1, grant, -amount, "Automated invoice deduction", invoice_id)
            for invoice_id, at, amount in grant.drawn
        ]
        if grant.expires_at < closing_at and (rest := grant.left()):
            movements.append((grant.expires_at, 2, grant, -rest, "Credit expiration", None))
    movements.sort(key=lambda movement: (movement[0], movement[1], movement[2].id))
    balance, entries = Decimal(0), []
    for at, _, grant, amount, reason, invoice_id in movements:
        if at >= closing_at and amount > 0:
            continue  # a grant that starts later
        balance += amount
        entries.append(
            {
                "amount": amount,
                "running_balance": plain(balance),
                "effective_at": to_text(at),
                "reason": reason,
                "created_by": "Metronome System",
                "credit_grant_id": grant.id,
                "invoice_id": invoice_id,
            }
        )
    posted = [entry for entry in entries if to_time(entry["effective_at"]) <= now]
    return posted, entries[len(posted) :]


def _grant_record(
    grant: Grant,
    credit_type: Record,
    posted: list[Record],
    pending: list[Record],
    now: datetime,
) -> Record:
    def own(entries: Iterable[Record]) -> list[Record]:
        return [
            entry
            for entry in entries
            if entry["credit_grant_id"] == grant.id and entry["invoice_id"]
        ]

    closing_at = period_end(now)
    excluding = Decimal(0) if grant.expires_at <= now else grant.left(now)
    including = Decimal(0) if grant.expires_at < closing_at else grant.left()
    return {
        "id": grant.id,
        "name": grant.name,
        "customer_id": make_id("customer", grant.customer_key),
        "effective_at": to_text(grant.effective_at, ".000Z"),
        "expires_at": to_text(grant.expires_at, ".000Z"),
        "priority": grant.priority,
        "grant_amount": {"amount": grant.amount, "credit_type": credit_type},
        "paid_amount": {"amount": Decimal(0), "credit_type": credit_type},
        "balance": {
            "excluding_pending": plain(excluding),
            "including_pending": plain(including),
            "effective_at": to_text(closing_at),
        },
        "deductions": own(posted),
        "pending_deductions": own(pending),
        "custom_fields": {},
        "invoice_id": None,
        "reason": "Promotion",
    }
