"""Named seats of subscriptions: their history and their balances."""

from datetime import datetime
from decimal import Decimal

from sandbox.billing.breakdowns import spread
from sandbox.core.records import Record, plain, to_time, total


def seat_history(seats: list[Record], now: datetime) -> list[Record]:
    """List the past and present seats of a subscription, between changes.

    Args:
        seats: `{seat_id, starting_at, ending_before?}`, times of any spelling.
        now: Changes after it are left out. The last period then has no end.
    """
    moments = {to_time(seat[key]): seat[key] for seat in seats for key in _ENDS if seat.get(key)}
    changes = sorted(moment for moment in moments if moment <= now)
    history = []
    for number, change in enumerate(changes):
        following = changes[number + 1] if number + 1 < len(changes) else None
        assigned = sorted(seat["seat_id"] for seat in seats if _taken(seat, change))
        history.append(
            {
                "starting_at": moments[change],
                "ending_before": moments[following] if following else None,
                "total_quantity": len(assigned),
                "assigned_seat_ids": assigned,
            }
        )
    return history


def seat_balance(seat_id: str, seats: list[str], balances: list[Record], show: Record) -> Record:
    """Return the balance of one seat in commits and credits allocated per seat.

    Args:
        seat_id: The seat.
        seats: All present seats of its subscription, in a fixed order. They share evenly.
        balances: The subscription's commits and credits with individual allocation.
        show: `include_credits_and_commits` and `include_ledgers`, as requested.
    """
    place = seats.index(seat_id)

    def share(amount: Decimal) -> Decimal:
        return plain(spread(amount, [Decimal(1)] * len(seats))[place])

    by_unit: dict[str, list[Record]] = {}
    for balance in balances:
        unit_id = balance["access_schedule"]["credit_type"]["id"]
        by_unit.setdefault(unit_id, []).append(balance)
    record: Record = {
        "seat_id": seat_id,
        "balances": [
            {
                "credit_type_id": unit_id,
                "balance": total(share(item["balance"]) for item in items),
                "starting_balance": total(share(_amount(item)) for item in items),
            }
            for unit_id, items in by_unit.items()
        ],
    }
    if not show.get("include_credits_and_commits", False):
        return record
    parts: dict[str, list[Record]] = {"commits": [], "credits": []}
    for balance in balances:
        items = balance["access_schedule"]["schedule_items"]
        part = {
            "id": balance["id"],
            "balance": share(balance["balance"]),
            "start_date": items[0]["starting_at"],
            "end_date": items[-1]["ending_before"],
        }
        if show.get("include_ledgers", False):
            part["ledger_entries"] = [
                {
                    "type": entry["type"],
                    "amount": share(entry["amount"]),
                    "timestamp": entry["timestamp"],
                }
                for entry in balance["ledger"]
            ]
        parts["credits" if balance["type"] == "CREDIT" else "commits"].append(part)
    return record | parts


def is_of_seats(balance: Record, subscription_id: str) -> bool:
    """Return whether a commit or credit is allocated per seat of a subscription."""
    config = balance.get("subscription_config", {})
    return (config.get("subscription_id"), config.get("allocation")) == (
        subscription_id,
        "INDIVIDUAL",
    )


_ENDS = ("starting_at", "ending_before")


def _taken(seat: Record, at: datetime) -> bool:
    end = to_time(seat.get("ending_before"))
    return to_time(seat["starting_at"]) <= at and (end is None or at < end)


def _amount(balance: Record) -> Decimal:
    return total(item["amount"] for item in balance["access_schedule"]["schedule_items"])
