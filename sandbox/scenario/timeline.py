"""Dates on which something happens to the customers' records."""

from datetime import UTC, datetime, timedelta

JANUARY = datetime(2024, 1, 1, tzinfo=UTC)


def day(month: int, day_of_month: int) -> datetime:
    """Midnight UTC of a day in 2024."""
    return datetime(2024, month, day_of_month, tzinfo=UTC)


RENAMED_AT = day(3, 18)
"""When the one customer with an earlier name changed it."""

VOIDED_LANE_AT = datetime(2024, 3, 11, 10, 0, tzinfo=UTC)
"""When Ledger Lane's February invoice was voided, and the credit it took given back."""

VOIDED_AT = datetime(2024, 4, 9, 15, 30, tzinfo=UTC)
"""When the one invoice with late usage was voided and regenerated."""

PAID_AFTER = timedelta(days=6)
"""How long after their issue invoices are paid, if they are."""
