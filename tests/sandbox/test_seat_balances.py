"""Seats: their history between changes, and what each has of the credits given per seat."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sandbox.api.seat_balances import is_of_seats, seat_balance, seat_history
from sandbox.core.records import Record

SEATS = [
    {"seat_id": "ada", "starting_at": "2024-01-01T00:00:00Z"},
    {
        "seat_id": "mira",
        "starting_at": "2024-02-01T00:00:00Z",
        "ending_before": "2024-03-01T00:00:00Z",
    },
    {"seat_id": "yuki", "starting_at": "2024-03-01T00:00:00.000Z"},
]


def credit(amount: str, balance: str) -> Record:
    segment = {"starting_at": "2024-04-01T00:00:00Z", "ending_before": "2024-05-01T00:00:00Z"}
    entry = {"type": "CREDIT_SEGMENT_START", "timestamp": segment["starting_at"]}
    return {
        "id": "credit",
        "type": "CREDIT",
        "access_schedule": {
            "credit_type": {"id": "unit", "name": "Units"},
            "schedule_items": [{"id": "segment", "amount": Decimal(amount), **segment}],
        },
        "balance": Decimal(balance),
        "ledger": [{**entry, "amount": Decimal(amount), "segment_id": "segment"}],
        "subscription_config": {"subscription_id": "seats", "allocation": "INDIVIDUAL"},
    }


@pytest.mark.parametrize(
    ("now", "assigned"),
    [
        (datetime(2024, 1, 15, tzinfo=UTC), [["ada"]]),
        (datetime(2024, 2, 1, tzinfo=UTC), [["ada"], ["ada", "mira"]]),
        (datetime(2024, 4, 1, tzinfo=UTC), [["ada"], ["ada", "mira"], ["ada", "yuki"]]),
    ],
)
def test_seat_history(now: datetime, assigned: list[list[str]]):
    history = seat_history(SEATS, now)
    assert [item["assigned_seat_ids"] for item in history] == assigned
    assert [item["total_quantity"] for item in history] == [len(seats) for seats in assigned]
    starts = [item["starting_at"][:10] for item in history]
    assert [(item["ending_before"] or "open")[:10] for item in history] == [*starts[1:], "open"]


def test_seat_balances_add_up():
    seats = ["ada", "lena", "yuki"]
    show = {"include_credits_and_commits": True, "include_ledgers": True}
    balances = [credit("100", "70")]
    rows = [seat_balance(seat, seats, balances, show) for seat in seats]
    units = [row["balances"][0] for row in rows]
    assert {unit["credit_type_id"] for unit in units} == {"unit"}
    assert sum(unit["balance"] for unit in units) == 70
    assert sum(unit["starting_balance"] for unit in units) == 100
    parts = [part for row in rows for part in row["credits"]]
    assert [part["balance"] for part in parts] == [unit["balance"] for unit in units]
    assert sum(part["ledger_entries"][0]["amount"] for part in parts) == 100
    assert not any(row["commits"] for row in rows)
    assert seat_balance("ada", seats, balances, {}).keys() == {"seat_id", "balances"}


def test_only_what_is_given_per_seat_counts():
    assert is_of_seats(credit("1", "1"), "seats")
    assert not is_of_seats(credit("1", "1"), "other")
    assert not is_of_seats({"id": "plain"}, "seats")
    pooled = credit("1", "1")
    pooled["subscription_config"]["allocation"] = "POOLED"
    assert not is_of_seats(pooled, "seats")
