"""Define the customers. Each of them is an example of one or two special cases."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.core.records import PRODUCTION, SANDBOX, make_id
from sandbox.scenario.timeline import JANUARY, day


@dataclass(frozen=True)
class CustomerScenario:
    """One customer, with its usage and payments.

    Attributes:
        key: Identifies the customer. Names repeat; ids derive from the key.
        uses: Event families with their events per day: compute, storage, images, words, tuning,
            api, heartbeat (which no metric counts).
        aliases: Ingest aliases; events alternate between them, or use the id when there is none.
        plan: Name of the plan, if on one.
        start, end: The time on the plan or contract, and of usage; no end means until now.
        status: The billing provider's status of its finalized invoices: None leaves
            `external_invoice` null, and an empty string leaves the field out.
        terms: Net payment terms in days.
        formerly: An earlier name, exported before the current one.
    """

    key: str
    name: str
    uses: dict[str, int]
    aliases: tuple[str, ...] = ()
    plan: str | None = None
    start: datetime = JANUARY
    end: datetime | None = None
    status: str | None = "PAID"
    terms: int | None = 30
    formerly: str | None = None
    archived_at: datetime | None = None
    environment: str = PRODUCTION


_INFRA = {"compute": 5, "storage": 2}
_IMAGES = {"images": 6, "words": 3, "tuning": 2}


def _infra(key: str, name: str, **more: Any) -> CustomerScenario:
    return CustomerScenario(key, name, _INFRA, (key,), "Infra Pay-as-you-go", **more)


def _images(key: str, name: str, **more: Any) -> CustomerScenario:
    return CustomerScenario(key, name, _IMAGES, (key,), "Image Studio", **more)


def _contract(key: str, name: str, uses: dict[str, int], **more: Any) -> CustomerScenario:
    return CustomerScenario(key, name, uses, (key,), **more)


CUSTOMERS = [
    CustomerScenario(
        "a1_company",
        "A1 Company",
        {"compute": 16, "storage": 6},
        ("a1_company",),
        "Infra Pay-as-you-go",
        start=day(2, 29),
    ),
    CustomerScenario(
        "pixel_forge",
        "Pixel Forge",
        {"images": 9, "words": 4, "tuning": 2},
        ("pixel_forge",),
        "Image Studio",
    ),
    _images("juniper_press", "Juniper Press"),
    CustomerScenario(
        "kestrel_media", "Kestrel Media", {"api": 7}, ("kestrel_media",), "API Growth"
    ),
    CustomerScenario(
        "monmouth_freight", "Monmouth Freight", {"api": 3}, ("monmouth",), "API Committed"
    ),
    _infra("halcyon_labs", "Halcyon Labs", status="SENT"),
    _infra("mirage_retail", "Mirage Retail", status="DELETED"),
    CustomerScenario("europa_verkehr", "Europa Verkehr GmbH", _INFRA, ("europa",), "Infra Europe"),
    CustomerScenario(
        "sketchbook", "Sketchbook AI", {"images": 5}, ("sketchbook",), "Image Studio Credits"
    ),
    CustomerScenario("dual_horizon", "Dual Horizon", {"api": 4, "images": 4}, ("dual",), "Hybrid"),
    _infra(
        "atlas_freight",
        "Atlas Freight & Sons",
        end=day(3, 1),
        archived_at=datetime(2024, 3, 20, 16, 5, tzinfo=UTC),
    ),
    CustomerScenario("blank_slate", "Blank Slate Holdings", {}),
    _infra("globex", "Globex", start=day(1, 10)),
    _infra(
        "globex_old",
        "Globex",
        end=day(2, 1),
        archived_at=datetime(2024, 2, 12, 8, 0, tzinfo=UTC),
    ),
    _infra("overdue_industries", "Overdue Industries", status="SENT", terms=10),
    _infra("bounce_payments", "Bounce Payments", status="PAYMENT_FAILED"),
    _infra("paper_trail", "Paper Trail Archives", status=None, terms=None),
    _infra("smith_jones", "Smith, Jones & Partners, Inc.", status="PARTIALLY_PAID"),
    _images("quoted", 'The "Quoted" Company'),
    _infra("line_break", "Line\nBreak Studios"),
    _images("sakura", "株式会社さくら計算"),
    _infra("nakheel", "شركة النخيل للبرمجيات"),
    _infra("elliniki", "Ελληνική Πληροφορική"),
    _infra("formula", "=SUM(A1:A9) Ltd", status=""),
    _infra("omalley", "O'Malley's Cloud", status="UNCOLLECTIBLE"),
    CustomerScenario(
        "two_alias",
        "Two Alias Corp",
        _INFRA,
        ("two_alias_eu", "two_alias_us"),
        "Infra Pay-as-you-go",
    ),
    CustomerScenario("zephyr", "Zephyr Mapping", _INFRA, (), "Infra Pay-as-you-go"),
    _infra("newname", "Newname Systems", formerly="Oldname Systems"),
    _infra("polaris", "Polaris Biotech", start=day(2, 12)),
    CustomerScenario(
        "idle_hands", "Idle Hands Club", {"heartbeat": 4}, ("idle_hands",), "API Growth"
    ),
    _contract("northwind", "Northwind Robotics", {"compute": 5}),
    _contract("lumen", "Lumen Analytics", {"api": 4}),
    _contract("quarry", "Quarry Data", {"api": 6}),
    _contract("tidal", "Tidal Works", {"compute": 4}),
    _contract("ibex", "Ibex Mobility", {"api": 5}, start=day(1, 15)),
    # Two contracts at once with a current draft each; a third one was archived with its drafts.
    _contract("twin_peaks", "Twin Peaks Outfitters", {"compute": 4, "api": 3}),
    # Two contracts on one consolidated invoice, in addition to their own invoices.
    _contract("mills", "Consolidated Mills", {"compute": 3, "api": 3}),
    # A postpaid commit: applied without lowering the total, and trued up when the contract ends.
    _contract("copperline", "Copperline Foundry", {"api": 4}, status="SENT"),
    # A contract renewed on 1 April; half of what was left of its commit rolled over.
    _contract("meridian", "Meridian Robotics", {"api": 5}),
    # Usage in AI Credits beyond the month's recurring credit is converted to US dollars.
    _contract("token_harbor", "Token Harbor", {"words": 4}),
    # A contract in euros, with a prepaid commit and an overdue charge.
    _contract("danube", "Danube Shipping SE", {"compute": 3}, status="SENT", terms=14),
    # More commits than the contract lists.
    _contract("hundred_acre", "Hundred Acre Energy", {"api": 4}),
    # A credit overdrawn by a manual entry, one archived, a commit credited after a void.
    _contract("ledger_lane", "Ledger Lane Books", {"api": 4}, status="SENT"),
    # Seats by number and by name, both of which changed in the middle of April.
    _contract("seat_pocket", "Seat Pocket Travel", {"api": 1}),
    _infra("sandbox_infra", "Staging Infra", environment=SANDBOX),
    _images("sandbox_canvas", "Staging Canvas", environment=SANDBOX),
    CustomerScenario(
        "sandbox_api",
        "Staging API",
        {"api": 4},
        ("staging_api",),
        "API Growth",
        environment=SANDBOX,
    ),
    _infra("sandbox_a1", "A1 Company Staging", environment=SANDBOX, start=day(2, 20)),
    _images("sandbox_qa", "QA Robot", environment=SANDBOX, start=day(3, 5)),
    CustomerScenario(
        "sandbox_min",
        "Staging Minimum",
        {"api": 2},
        ("staging_min",),
        "API Committed",
        environment=SANDBOX,
    ),
]


def customer_id(scenario: CustomerScenario) -> str:
    """Return the Metronome id of a customer."""
    return make_id("customer", scenario.key)
