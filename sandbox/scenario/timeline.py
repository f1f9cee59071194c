"""Define the dates of changes to customers' records."""

from datetime import UTC, datetime, timedelta

JANUARY = datetime(2024, 1, 1, tzinfo=UTC)


def day(month: int, day_of_month: int) -> datetime:
    """Return midnight UTC of a day in 2024."""
    return datetime(2024, month, day_of_month, tzinfo=UTC)


RENAMED_AT = day(3, 18)
"""The instant at which the customer with an earlier name changed it."""

VOIDED_LANE_AT = datetime(2024, 3, 11, 10, 0, tzinfo=UTC)
"""The instant at which Ledger Lane's February invoice was voided and its credit returned."""

VOIDED_AT = datetime(2024, 4, 9, 15, 30, tzinfo=UTC)
"""The instant at which the invoice with late usage was voided and regenerated."""

PAID_AFTER = timedelta(days=6)
"""The time from the issue of an invoice to its payment."""
