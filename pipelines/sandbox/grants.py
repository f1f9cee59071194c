"""Credit grants of the plans model: what they cover, their ledgers and balances."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from pipelines.sandbox.account import NOW, Record, make_id, plain, to_text, to_time, total
from pipelines.sandbox.cast import day
from pipelines.sandbox.catalog import AI_CREDITS, EUR, USD, unit

PERIOD_END = day(5, 1)
"""End of every plan customer's current billing period."""


@dataclass
class Grant:
    """A credit grant being drawn down; amounts in the unit named by `credit_type`."""

    member: str
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
        """The grant's id."""
        return make_id("grant", self.member, self.name)

    def left(self, until: datetime | None = None) -> Decimal:
        """What remains after the deductions made up to `until`, or after all of them."""
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
    """All grants of the account, undrawn."""
    year_end = day(12, 31)
    return [
        Grant("juniper_press", "Launch credits", Decimal(60000), day(2, 1), year_end),
        Grant("kestrel_media", "Welcome credits", Decimal(15000), day(1, 1), year_end),
        Grant("kestrel_media", "Spring promotion", Decimal(20000), day(4, 1), day(5, 1)),
        Grant(
            "kestrel_media",
            "Beta credits",
            Decimal(5000),
            datetime(2023, 10, 1, tzinfo=NOW.tzinfo),
            day(1, 1),
        ),
        Grant("kestrel_media", "Summer promotion", Decimal(25000), day(6, 1), year_end),
        Grant("europa_verkehr", "Goodwill", Decimal("49.5"), day(3, 1), year_end, EUR),
        Grant("sketchbook", "Creator pack", Decimal(6000), day(3, 1), year_end, AI_CREDITS, 2),
        Grant("sandbox_canvas", "Test credits", Decimal(2500), day(2, 1), year_end),
    ]


def grant_books(
    grants: list[Grant], credit_types: dict[str, Record]
) -> tuple[list[Record], list[Record]]:
    """The API's grants and, one per customer, its ledgers.

    Entries are changes of the balance (a deduction is negative), so that starting balance plus
    entries is the ending balance; `running_balance` spans all grants of the pricing unit.
    """
    records, rows = [], []
    for member in dict.fromkeys(grant.member for grant in grants):
        ledgers = []
        for name in dict.fromkeys(grant.credit_type for grant in grants if grant.member == member):
            own = [grant for grant in grants if (grant.member, grant.credit_type) == (member, name)]
            ledger = _ledger(own, unit(credit_types[name]))
            ledgers.append(ledger)
            records += [_grant_record(grant, ledger) for grant in own]
        rows.append({"customer_id": make_id("customer", member), "ledgers": ledgers})
    return records, rows


def ledger_window(
    credit_type: Record,
    entries: list[Record],
    pending: list[Record],
    start: datetime | None = None,
    end: datetime | None = None,
) -> Record:
    """The part of a ledger within [start, end), with the balances at both ends.

    Args:
        credit_type: The ledger's pricing unit.
        entries: All posted entries, oldest first.
        pending: All pending entries, oldest first.
        start: Inclusive; by default the first entry.
        end: Exclusive; by default the end of the current billing period.
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
        "ending_balance": balance(to_text(end or PERIOD_END), closing, including),
        "entries": posted,
        "pending_entries": open_items,
    }


def _ledger(grants: list[Grant], credit_type: Record) -> Record:
    movements = []
    for grant in grants:
        movements.append((grant.effective_at, 0, grant, grant.amount, "Credit grant", None))
        movements += [
            (at, 1, grant, -amount, "Automated invoice deduction", invoice_id)
            for invoice_id, at, amount in grant.drawn
        ]
        if grant.expires_at < PERIOD_END and (rest := grant.left()):
            movements.append((grant.expires_at, 2, grant, -rest, "Credit expiration", None))
    movements.sort(key=lambda movement: (movement[0], movement[1], movement[2].id))
    balance, entries = Decimal(0), []
    for at, _, grant, amount, reason, invoice_id in movements:
        if at >= max(NOW, PERIOD_END) and amount > 0:
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
    posted = [entry for entry in entries if to_time(entry["effective_at"]) <= NOW]
    return ledger_window(credit_type, posted, entries[len(posted) :])


def _grant_record(grant: Grant, ledger: Record) -> Record:
    def own(entries: Iterable[Record]) -> list[Record]:
        return [
            entry
            for entry in entries
            if entry["credit_grant_id"] == grant.id and entry["invoice_id"]
        ]

    excluding = Decimal(0) if grant.expires_at <= NOW else grant.left(NOW)
    including = Decimal(0) if grant.expires_at < PERIOD_END else grant.left()
    return {
        "id": grant.id,
        "name": grant.name,
        "customer_id": make_id("customer", grant.member),
        "effective_at": to_text(grant.effective_at, ".000Z"),
        "expires_at": to_text(grant.expires_at, ".000Z"),
        "priority": grant.priority,
        "grant_amount": {"amount": grant.amount, "credit_type": ledger["credit_type"]},
        "paid_amount": {"amount": Decimal(0), "credit_type": ledger["credit_type"]},
        "balance": {
            "excluding_pending": plain(excluding),
            "including_pending": plain(including),
            "effective_at": to_text(PERIOD_END),
        },
        "deductions": own(ledger["entries"]),
        "pending_deductions": own(ledger["pending_entries"]),
        "custom_fields": {},
        "invoice_id": None,
        "reason": "Promotion",
    }
