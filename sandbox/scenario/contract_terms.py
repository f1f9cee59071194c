"""Define the terms of contracts: products, seats, scheduled charges, commits and credits."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from sandbox.scenario.catalog import AI_CREDITS, EUR, INSTANCE_TYPES, MODELS, USD
from sandbox.scenario.timeline import JANUARY, VOIDED_LANE_AT, day

YEAR_END = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class Segment:
    """One access period of a commit or credit, and its deductions."""

    start: datetime
    end: datetime
    amount: Decimal
    drawn: list[tuple[str, datetime, Decimal]] = field(default_factory=list)
    """Invoice id, end of its period, amount in the commit's pricing unit."""
    given_back: list[tuple[str, datetime, Decimal]] = field(default_factory=list)
    """Invoice id, when it was voided, amount."""


@dataclass(frozen=True)
class ManualEntry:
    """A manual ledger entry: its time, amount and reason."""

    at: datetime
    amount: Decimal
    reason: str


@dataclass(frozen=True)
class Rollover:
    """The part of a commit's remainder that moves to the renewed contract."""

    contract: str
    """Key of the contract it rolls over to."""
    name: str
    fraction: Decimal


@dataclass
class CommitOrCredit:
    """A commit or a credit. They are drawn in order of priority, then of expiry.

    Attributes:
        kind: PREPAID, POSTPAID or CREDIT.
        on_contract: Whether it belongs to the contract rather than to the customer.
        manual_entries: Manual ledger entries, of a commit with one segment.
        credited: End of a billing period and when the deduction of its invoice was given back.
        recurring: Name of the recurring credit it is one issue of.
        rolls_over: The rollover of the remainder at its end.
        rolled_from: Ids of the commit and of the contract from which it was rolled over.
    """

    name: str
    kind: str
    segments: list[Segment]
    product: str = "Promotional credit"
    priority: int = 1
    on_contract: bool = True
    unit: str = USD
    manual_entries: tuple[ManualEntry, ...] = ()
    credited: tuple[datetime, datetime] | None = None
    archived_at: datetime | None = None
    recurring: str | None = None
    rolls_over: Rollover | None = None
    rolled_from: tuple[str, str] | None = None


@dataclass(frozen=True)
class RecurringCredit:
    """A credit issued each month for that month."""

    name: str
    amount: Decimal
    unit: str = USD


@dataclass(frozen=True)
class Scheduled:
    """A charge billed on a date rather than for a period."""

    product: str
    name: str
    date: datetime
    line_type: str = "scheduled"
    amount: Decimal | None = None
    archived_at: datetime | None = None


@dataclass(frozen=True)
class Seat:
    """A named seat and the time it is taken."""

    seat_id: str
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class Subscription:
    """Seats billed per month: a quantity that changes on agreed dates, or named seats.

    Attributes:
        quantities: The start and size of each quantity, all agreed at signature.
        seats: The named seats, instead of `quantities`.
    """

    product: str
    quantities: tuple[tuple[datetime, int], ...] = ()
    seats: tuple[Seat, ...] = ()
    is_prorated: bool = True


@dataclass(frozen=True)
class Override:
    """A price that replaces the rate card's from the start of a billing period.

    Attributes:
        multiplier: Factor of the list price, or
        price: the price in its place.
    """

    product: str
    start: datetime
    multiplier: Decimal | None = None
    price: Decimal | None = None


@dataclass(frozen=True)
class Terms:
    """One contract of a customer.

    Attributes:
        key: Identifies a contract among those of its customer. Empty for the first.
        start: By default the customer's own.
        signed_at: When it was created, by default its start.
        ended_by: When an edit set its end; by default it was signed with it.
        renews: Key of the contract that this one renews.
        recharge: Balance at which prepaid credit is bought automatically, and up to which.
    """

    name: str
    products: tuple[str, ...]
    key: str = ""
    start: datetime | None = None
    end: datetime | None = None
    signed_at: datetime | None = None
    ended_by: datetime | None = None
    archived_at: datetime | None = None
    renews: str | None = None
    anchor: int = 1
    rate_card: str = "Standard rates"
    package: bool = False
    subscriptions: tuple[Subscription, ...] = ()
    overrides: tuple[Override, ...] = ()
    recurring: tuple[RecurringCredit, ...] = ()
    commits: list[CommitOrCredit] = field(default_factory=list)
    scheduled: tuple[Scheduled, ...] = ()
    recharge: tuple[Decimal, Decimal] | None = None


CONSOLIDATED = {"mills"}
"""Customers whose contracts are billed on one consolidated invoice."""

_COMPUTE = tuple(f"Compute {kind}" for kind in INSTANCE_TYPES)
_API = ("API requests",)


def signed_contracts() -> dict[str, list[Terms]]:
    """Return the contracts by customer, with undrawn commits and credits."""
    return {
        "northwind": [Terms("Northwind usage", _COMPUTE, commits=_northwind_credits())],
        "lumen": [
            Terms(
                "Starter contract",
                _API,
                subscriptions=(Subscription("Seats", ((JANUARY, 12),), is_prorated=False),),
                package=True,
                commits=[
                    _credit("Welcome credit", 10000, JANUARY, day(7, 1)),
                    _credit("January promo", 12000, JANUARY, day(2, 1)),
                ],
                scheduled=(
                    Scheduled("Onboarding", "Onboarding", day(1, 20)),
                    Scheduled("Annual support", "Annual support", day(7, 1)),
                ),
            )
        ],
        "quarry": [
            Terms(
                "Quarry annual",
                _API,
                commits=[_commit("Prepaid commit 2024", 90000, JANUARY, YEAR_END)],
                scheduled=(
                    Scheduled(
                        "Prepaid usage",
                        "Prepaid commit 2024",
                        JANUARY,
                        "commit_purchase",
                        Decimal("81000.5"),
                    ),
                ),
            )
        ],
        "tidal": [Terms("Tidal usage", _COMPUTE, commits=[_two_steps()])],
        "ibex": [Terms("Ibex mid-month", _API, anchor=15)],
        "twin_peaks": _concurrent(),
        "mills": [
            Terms("Mills compute", _COMPUTE),
            Terms(
                "Mills API",
                _API,
                key="api",
                commits=[_credit("Mill credit", 15000, JANUARY, day(5, 1))],
            ),
        ],
        "copperline": [
            Terms(
                "Copperline commitment",
                _API,
                end=day(6, 1),
                commits=[_commit("Usage commitment", 150000, JANUARY, day(6, 1), "POSTPAID")],
            )
        ],
        "meridian": _renewed(),
        "token_harbor": [
            Terms(
                "Harbor AI",
                tuple(f"Words ({model})" for model in MODELS),
                rate_card="AI rates",
                subscriptions=(Subscription("Platform seats", ((JANUARY, 2),)),),
                recurring=(RecurringCredit("Monthly words", Decimal(2000), AI_CREDITS),),
            )
        ],
        "danube": [
            Terms(
                "Danube Rahmenvertrag",
                ("Compute c6.large", "Compute m6.xlarge"),
                rate_card="Euro rates",
                commits=[
                    _commit("Vorauszahlung", 250, JANUARY, YEAR_END, unit=EUR),
                ],
                scheduled=(Scheduled("Onboarding", "Einrichtung", day(2, 15)),),
            )
        ],
        "hundred_acre": [Terms("Acre blocks", _API, commits=_blocks())],
        "ledger_lane": [_lane()],
        "seat_pocket": [_seats()],
    }


def _credit(
    name: str, amount: int, start: datetime, end: datetime, *, on_contract: bool = True
) -> CommitOrCredit:
    segment = Segment(start, end, Decimal(amount))
    return CommitOrCredit(name, "CREDIT", [segment], on_contract=on_contract)


def _commit(
    name: str,
    amount: int,
    start: datetime,
    end: datetime,
    kind: str = "PREPAID",
    unit: str = USD,
) -> CommitOrCredit:
    product = "Committed usage" if kind == "POSTPAID" else "Prepaid usage"
    return CommitOrCredit(name, kind, [Segment(start, end, Decimal(amount))], product, unit=unit)


def _northwind_credits() -> list[CommitOrCredit]:
    """Return credits of the customer, not of the contract: one expired, one upcoming."""
    return [
        _credit("Kick-off credit", 400000, JANUARY, day(3, 1), on_contract=False),
        _credit("Summer credit", 75000, day(6, 1), day(9, 1), on_contract=False),
    ]


def _two_steps() -> CommitOrCredit:
    """Return a credit with two access segments that overlap."""
    segments = [
        Segment(day(2, 1), day(5, 1), Decimal(300000)),
        Segment(day(4, 1), day(10, 1), Decimal(50000)),
    ]
    return CommitOrCredit("Migration credit", "CREDIT", segments)


def _concurrent() -> list[Terms]:
    """Return two concurrent contracts, and one that was archived with its drafts."""
    audit = Scheduled("Onboarding", "Security audit", day(6, 15), archived_at=day(4, 5))
    return [
        Terms("Twin Peaks compute", _COMPUTE[:2], scheduled=(audit,)),
        Terms(
            "Twin Peaks API", _API, key="api", start=day(2, 1), end=day(7, 1), ended_by=day(4, 3)
        ),
        Terms(
            "Twin Peaks pilot",
            _COMPUTE[2:3],
            key="pilot",
            start=day(3, 1),
            archived_at=datetime(2024, 4, 10, 9, 30, tzinfo=UTC),
            scheduled=(Scheduled("Annual support", "Pilot support", day(7, 1)),),
        ),
    ]


def _renewed() -> list[Terms]:
    """Return a contract and its renewal, to which half of the commit's remainder rolls over."""
    commit = _commit("Launch commit", 120000, JANUARY, day(4, 1))
    commit.rolls_over = Rollover("renewal", "Launch commit, rolled over", Decimal("0.5"))
    return [
        Terms("Meridian launch", _API, end=day(4, 1), commits=[commit]),
        Terms(
            "Meridian renewal",
            _API,
            key="renewal",
            start=day(4, 1),
            end=datetime(2025, 4, 1, tzinfo=UTC),
            signed_at=datetime(2024, 3, 18, 14, 0, tzinfo=UTC),
            renews="",
            commits=[
                _commit("Renewal commit", 300000, day(4, 1), datetime(2025, 4, 1, tzinfo=UTC))
            ],
        ),
    ]


def _blocks() -> list[CommitOrCredit]:
    """Return more commits than a contract lists, and a customer's credit."""
    blocks = [
        _commit(f"Energy block {number:02}", 4000, JANUARY, YEAR_END) for number in range(1, 27)
    ]
    for priority, block in enumerate(blocks, start=1):
        block.priority = priority
    return [*blocks, _credit("Loyalty credit", 2500, day(3, 1), day(6, 1), on_contract=False)]


def _lane() -> Terms:
    """Return balances with ledger entries of most types, and a discount."""
    overdrawn = _credit("Goodwill credit", 8000, JANUARY, YEAR_END, on_contract=False)
    overdrawn.manual_entries = (
        ManualEntry(day(3, 15), Decimal(-9500), "Paid out on another invoice"),
    )
    commit = _commit("Lane commit", 60000, day(2, 1), day(8, 1))
    commit.priority = 2
    commit.credited = (day(3, 1), VOIDED_LANE_AT)
    commit.manual_entries = (ManualEntry(day(2, 20), Decimal("1250.5"), "Conference bonus"),)
    withdrawn = _credit("Trial credit", 30000, day(3, 1), YEAR_END)
    withdrawn.archived_at = datetime(2024, 4, 12, 11, 0, tzinfo=UTC)
    return Terms(
        "Lane prepaid",
        _API,
        overrides=(Override("API requests", day(3, 1), multiplier=Decimal("0.8")),),
        commits=[overdrawn, commit, withdrawn],
        recharge=(Decimal(20000), Decimal(60000)),
    )


def _seats() -> Terms:
    """Return seats by quantity and by name that change in April, and an override."""
    change = day(4, 11)
    seats = (
        Seat("mira@seatpocket.example", JANUARY),
        Seat("tomas@seatpocket.example", JANUARY),
        Seat("yuki@seatpocket.example", day(2, 1), change),
        Seat("ada@seatpocket.example", change),
        Seat("lena@seatpocket.example", change),
    )
    return Terms(
        "Seat Pocket plan",
        _API,
        subscriptions=(
            Subscription("Platform seats", ((JANUARY, 20), (change, 25), (day(7, 1), 40))),
            Subscription("Named seats", seats=seats),
        ),
        overrides=(Override("Named seats", JANUARY, price=Decimal(3900)),),
        scheduled=(Scheduled("Annual support", "Yearly support", day(5, 20)),),
    )
