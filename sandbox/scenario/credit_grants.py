"""Define the credit grants of the plans model."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from sandbox.core.records import make_id, total
from sandbox.scenario.catalog import AI_CREDITS, EUR, USD
from sandbox.scenario.timeline import day


@dataclass
class Grant:
    """A credit grant and its deductions. Amounts are in the unit named by `credit_type`."""

    customer_key: str
    name: str
    amount: Decimal
    effective_at: datetime
    expires_at: datetime
    credit_type: str = USD
    priority: int = 1
    drawn: list[tuple[str, datetime, Decimal]] = field(default_factory=list)
    """Invoice id, end of its period, amount."""

    @property
    def id(self) -> str:
        """Return the grant's id."""
        return make_id("grant", self.customer_key, self.name)

    def left(self, until: datetime | None = None) -> Decimal:
        """Return the remainder after the deductions up to `until`, or after all."""
        taken = (amount for _, at, amount in self.drawn if until is None or at <= until)
        return self.amount - total(taken)

    def draw(self, invoice_id: str, period: tuple[datetime, datetime], due: Decimal) -> Decimal:
        """Take up to `due` for an invoice whose whole period the grant covers."""
        covers = self.effective_at <= period[0] and self.expires_at >= period[1]
        amount = min(self.left(), due) if covers else Decimal(0)
        if amount > 0:
            self.drawn.append((invoice_id, period[1], amount))
        return amount


def new_grants() -> list[Grant]:
    """Return all grants of the account, undrawn."""
    year_end = day(12, 31)
    return [
        Grant("juniper_press", "Launch credits", Decimal(60000), day(2, 1), year_end),
        Grant("kestrel_media", "Welcome credits", Decimal(15000), day(1, 1), year_end),
        Grant("kestrel_media", "Spring promotion", Decimal(20000), day(4, 1), day(5, 1)),
        Grant(
            "kestrel_media",
            "Beta credits",
            Decimal(5000),
            datetime(2023, 10, 1, tzinfo=UTC),
            day(1, 1),
        ),
        Grant("kestrel_media", "Summer promotion", Decimal(25000), day(6, 1), year_end),
        Grant("europa_verkehr", "Goodwill", Decimal("49.5"), day(3, 1), year_end, EUR),
        Grant("sketchbook", "Creator pack", Decimal(6000), day(3, 1), year_end, AI_CREDITS, 2),
        Grant("sandbox_canvas", "Test credits", Decimal(2500), day(2, 1), year_end),
    ]
