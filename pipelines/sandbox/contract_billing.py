"""Contract invoices: rated usage, subscriptions and scheduled charges, less commits and credits."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from pipelines.sandbox.account import NOW, USD_ID, Catalog, Record, make_id, plain, to_text, total
from pipelines.sandbox.cast import JANUARY, Member, day
from pipelines.sandbox.catalog import INSTANCE_TYPES, USD
from pipelines.sandbox.plan_billing import Period, external_invoice, header, months
from pipelines.sandbox.usage import Usage, customer_id

USD_UNIT = {"id": USD_ID, "name": USD}


@dataclass
class Segment:
    """One access period of a commit or credit, and what invoices took from it."""

    start: datetime
    end: datetime
    amount: Decimal
    drawn: list[tuple[str, datetime, Decimal]] = field(default_factory=list)
    """Invoice id, end of its period, amount in cents."""

    def left(self) -> Decimal:
        """What remains after all deductions, pending ones included."""
        return self.amount - total(amount for _, _, amount in self.drawn)


@dataclass
class Fund:
    """A prepaid commit or a credit; drawn in order of priority, then of expiry."""

    name: str
    kind: str
    segments: list[Segment]
    product: str = "Promotional credit"
    priority: int = 1
    on_contract: bool = True


@dataclass(frozen=True)
class Scheduled:
    """A charge billed on a date rather than for a period."""

    product: str
    name: str
    date: datetime
    line_type: str = "scheduled"
    amount: Decimal | None = None


@dataclass(frozen=True)
class Terms:
    """What a contract customer signed."""

    name: str
    products: tuple[str, ...]
    anchor: int = 1
    seats: int = 0
    package: bool = False
    funds: list[Fund] = field(default_factory=list)
    scheduled: tuple[Scheduled, ...] = ()


_COMPUTE = tuple(f"Compute {kind}" for kind in INSTANCE_TYPES)


def signed_terms() -> dict[str, Terms]:
    """The contracts of the account by customer, with untouched commits and credits."""
    year_end = datetime(2025, 1, 1, tzinfo=NOW.tzinfo)
    kickoff = Fund(
        "Kick-off credit",
        "CREDIT",
        [Segment(JANUARY, day(3, 1), Decimal(400000))],
        on_contract=False,
    )
    upcoming = Fund(
        "Summer credit",
        "CREDIT",
        [Segment(day(6, 1), day(9, 1), Decimal(75000))],
        on_contract=False,
    )
    welcome = Fund("Welcome credit", "CREDIT", [Segment(JANUARY, day(7, 1), Decimal(10000))])
    january = Fund("January promo", "CREDIT", [Segment(JANUARY, day(2, 1), Decimal(12000))])
    commit = Fund(
        "Prepaid commit 2024",
        "PREPAID",
        [Segment(JANUARY, year_end, Decimal(90000))],
        product="Prepaid usage",
    )
    two_steps = Fund(
        "Migration credit",
        "CREDIT",
        [
            Segment(day(2, 1), day(5, 1), Decimal(300000)),
            Segment(day(4, 1), day(10, 1), Decimal(50000)),
        ],
    )
    return {
        "northwind": Terms("Northwind usage", _COMPUTE, funds=[kickoff, upcoming]),
        "lumen": Terms(
            "Starter contract",
            ("API requests",),
            seats=12,
            package=True,
            funds=[welcome, january],
            scheduled=(
                Scheduled("Onboarding", "Onboarding", day(1, 20)),
                Scheduled("Annual support", "Annual support", day(7, 1)),
            ),
        ),
        "quarry": Terms(
            "Quarry annual",
            ("API requests",),
            funds=[commit],
            scheduled=(
                Scheduled(
                    "Prepaid usage", commit.name, JANUARY, "commit_purchase", Decimal("81000.5")
                ),
            ),
        ),
        "tidal": Terms("Tidal usage", _COMPUTE, funds=[two_steps]),
        "ibex": Terms("Ibex mid-month", ("API requests",), anchor=15),
    }


def bill_contract(
    member: Member, terms: Terms, catalog: Catalog, usage: Usage
) -> tuple[Record, list[Record], list[Record]]:
    """Bill a contract customer.

    Returns:
        The contract, its invoices, and the customer's commits and credits with their ledgers.
    """
    contract_id = make_id("contract", member.key)
    invoices = [
        _usage_invoice(member, terms, contract_id, period, catalog, usage)
        for period in months(member.start, member.end, terms.anchor)
    ]
    invoices += [
        _scheduled_invoice(member, contract_id, charge, catalog) for charge in terms.scheduled
    ]
    balances = [_fund_record(member, contract_id, terms, fund, catalog) for fund in terms.funds]
    own = [balance for balance in balances if "contract" in balance]
    return _contract(member, terms, contract_id, catalog, own), invoices, balances


def _usage_invoice(
    member: Member,
    terms: Terms,
    contract_id: str,
    period: Period,
    catalog: Catalog,
    usage: Usage,
) -> Record:
    invoice = header(member, make_id("invoice", member.key, period[0].date()), period)
    lines = []
    for name in terms.products:
        product = catalog.contract_products[name]
        metric_id = product["current"]["billable_metric_id"]
        quantity = usage.quantity(invoice["customer_id"], metric_id, *period, late=False)
        lines.append(_line("usage", product, quantity, catalog.rates[name], period))
    if terms.seats:
        product = catalog.contract_products["Seats"]
        line = _line("subscription", product, Decimal(terms.seats), catalog.rates["Seats"], period)
        lines.append(line | {"subscription_id": _subscription_id(member), "is_prorated": False})
    lines += _applications(member, terms.funds, invoice["id"], period, lines)
    return invoice | {
        "type": "USAGE",
        "credit_type": USD_UNIT,
        "contract_id": contract_id,
        "contract_custom_fields": {},
        "line_items": lines,
        "total": total(line["total"] for line in lines),
    }


def _line(kind: str, product: Record, quantity: Decimal, price: Decimal, period: Period) -> Record:
    product_type = {"USAGE": "Usage", "SUBSCRIPTION": "Subscription", "FIXED": "Fixed"}
    return {
        "name": product["current"]["name"],
        "type": kind,
        "quantity": quantity,
        "unit_price": price,
        "total": plain(quantity * price),
        "credit_type": USD_UNIT,
        "product_id": product["id"],
        "product_type": f"{product_type[product['type']]}ProductListItem",
        "product_tags": product["current"]["tags"],
        "product_custom_fields": {},
        "starting_at": to_text(period[0], "+00:00"),
        "ending_before": to_text(period[1], "+00:00"),
    }


def _applications(
    member: Member, funds: list[Fund], invoice_id: str, period: Period, charges: list[Record]
) -> list[Record]:
    """Negative lines that pay charges from the segments open at the start of the period."""
    open_segments = [
        (fund, segment)
        for fund in funds
        for segment in fund.segments
        if segment.start <= period[0] < segment.end
    ]
    open_segments.sort(key=lambda pair: (pair[0].priority, pair[1].end))
    due = [charge["total"] for charge in charges]
    lines = []
    for fund, segment in open_segments:
        taken = Decimal(0)
        available = segment.left()
        for position, charge in enumerate(charges):
            amount = min(available - taken, due[position])
            if amount > 0:
                taken += amount
                due[position] -= amount
                lines.append(_application(member, fund, segment, charge, amount))
        if taken:
            segment.drawn.append((invoice_id, period[1], taken))
    return lines


def _application(
    member: Member, fund: Fund, segment: Segment, charge: Record, amount: Decimal
) -> Record:
    shared = ("credit_type", "product_id", "product_type", "starting_at", "ending_before")
    fund_id = _fund_id(member, fund)
    return {
        "name": f"{charge['name']} - {fund.name} applied",
        "type": "applied_commit_or_credit",
        "total": plain(-amount),
        **{key: charge[key] for key in shared},
        "applied_commit_or_credit": {"id": fund_id, "type": fund.kind},
        "commit_id": fund_id,
        "commit_segment_id": _segment_id(fund_id, segment),
        "commit_type": "PrepaidCommit",
    }


def _scheduled_invoice(
    member: Member, contract_id: str, charge: Scheduled, catalog: Catalog
) -> Record:
    """An invoice without a period, a draft until its date."""
    invoice_id = make_id("invoice", member.key, "scheduled", charge.name)
    product = catalog.contract_products[charge.product]
    price = catalog.rates[charge.product] if charge.amount is None else charge.amount
    line = _line(charge.line_type, product, Decimal(1), price, (charge.date, charge.date))
    del line["starting_at"], line["ending_before"]
    if charge.line_type == "commit_purchase":
        commit_id = make_id("fund", member.key, charge.name)
        line |= {"name": charge.name, "commit_id": commit_id, "commit_type": "PrepaidCommit"}
    else:
        line["scheduled_charge_id"] = make_id("scheduled", member.key, charge.name)
    final = charge.date <= NOW
    return {
        "id": invoice_id,
        "customer_id": customer_id(member),
        "type": "SCHEDULED",
        "status": "FINALIZED" if final else "DRAFT",
        "issued_at": to_text(charge.date, "+00:00"),
        "credit_type": USD_UNIT,
        "contract_id": contract_id,
        "net_payment_terms_days": member.terms,
        "line_items": [line],
        "total": line["total"],
    } | (external_invoice(member, invoice_id, charge.date) if final else {})


def _fund_id(member: Member, fund: Fund) -> str:
    return make_id("fund", member.key, fund.name)


def _segment_id(fund_id: str, segment: Segment) -> str:
    return make_id("segment", fund_id, segment.start.date())


def _subscription_id(member: Member) -> str:
    return make_id("subscription", member.key)


def _fund_record(
    member: Member, contract_id: str, terms: Terms, fund: Fund, catalog: Catalog
) -> Record:
    """The API's commit or credit, with ledger and balance."""
    fund_id = _fund_id(member, fund)
    product = catalog.contract_products[fund.product]
    usable = (segment.left() for segment in fund.segments if segment.start <= NOW < segment.end)
    record: Record = {
        "id": fund_id,
        "type": fund.kind,
        "name": fund.name,
        "priority": fund.priority,
        "product": {"id": product["id"], "name": product["current"]["name"]},
        "rate_type": "LIST_RATE",
        "access_schedule": {
            "credit_type": USD_UNIT,
            "schedule_items": [
                {
                    "id": _segment_id(fund_id, segment),
                    "amount": segment.amount,
                    "starting_at": to_text(segment.start, ".000Z"),
                    "ending_before": to_text(segment.end, ".000Z"),
                }
                for segment in fund.segments
            ],
        },
        "created_at": to_text(member.start, ".000Z"),
        "custom_fields": {},
        "balance": total(usable),
        "ledger": _ledger(fund, fund_id, contract_id),
    }
    if fund.on_contract:
        record["contract"] = {"id": contract_id}
    for charge in terms.scheduled:
        if charge.name == fund.name:
            record["invoice_schedule"] = _payment(member, charge, charge.amount)
    return record


def _ledger(fund: Fund, fund_id: str, contract_id: str) -> list[Record]:
    """Segment starts, one deduction per invoice at its period's end, and past expirations."""
    prefix = "PREPAID_COMMIT" if fund.kind == "PREPAID" else "CREDIT"
    moves = []
    for segment in fund.segments:
        common = {"segment_id": _segment_id(fund_id, segment)}
        start = {"type": f"{prefix}_SEGMENT_START", "amount": segment.amount, **common}
        moves.append((segment.start, 0, start))
        for invoice_id, at, amount in segment.drawn:
            entry = {"type": f"{prefix}_AUTOMATED_INVOICE_DEDUCTION", "amount": plain(-amount)}
            entry |= {**common, "invoice_id": invoice_id, "contract_id": contract_id}
            moves.append((at, 1, entry))
        if segment.end <= NOW:
            entry = {"type": f"{prefix}_EXPIRATION", "amount": plain(-segment.left()), **common}
            moves.append((segment.end, 2, entry))
    moves.sort(key=lambda move: move[:2])
    return [{**entry, "timestamp": to_text(at, "+00:00")} for at, _, entry in moves]


def _payment(member: Member, charge: Scheduled, amount: Decimal) -> Record:
    """A payment schedule with a single item."""
    item = {
        "id": make_id("payment", member.key, charge.name),
        "invoice_id": make_id("invoice", member.key, "scheduled", charge.name),
        "amount": amount,
        "unit_price": amount,
        "quantity": 1,
        "timestamp": to_text(charge.date, "+00:00"),
    }
    return {"credit_type": USD_UNIT, "schedule_items": [item]}


def _contract(
    member: Member, terms: Terms, contract_id: str, catalog: Catalog, balances: list[Record]
) -> Record:
    charges = [charge for charge in terms.scheduled if charge.line_type == "scheduled"]
    anchor = to_text(member.start.replace(day=terms.anchor), "+00:00")
    contract: Record = {
        "id": contract_id,
        "customer_id": customer_id(member),
        "name": terms.name,
        "starting_at": to_text(member.start, "+00:00"),
        "created_at": to_text(member.start, "+00:00"),
        "created_by": "Priya Raman",
        "rate_card_id": catalog.rate_cards[0]["id"],
        "net_payment_terms_days": member.terms,
        "usage_statement_schedule": {"frequency": "MONTHLY", "billing_anchor_date": anchor},
        "commits": [balance for balance in balances if balance["type"] == "PREPAID"],
        "credits": [balance for balance in balances if balance["type"] == "CREDIT"],
        "has_more": {"commits": False, "credits": False},
        "overrides": [],
        "scheduled_charges": [
            {
                "id": make_id("scheduled", member.key, charge.name),
                "name": charge.name,
                "product": {
                    "id": catalog.contract_products[charge.product]["id"],
                    "name": charge.product,
                },
                "schedule": _payment(member, charge, catalog.rates[charge.product]),
            }
            for charge in charges
        ],
        "transitions": [],
        "usage_filter": [],
        "custom_fields": {},
    }
    if terms.package:
        contract |= {"package_id": catalog.packages[0]["id"]}
    if terms.seats:
        contract["subscriptions"] = [_subscription(member, terms, catalog)]
    return contract


def _subscription(member: Member, terms: Terms, catalog: Catalog) -> Record:
    seats = catalog.contract_products["Seats"]
    periods = {
        name: {"starting_at": to_text(start), "ending_before": to_text(end)}
        for name, start, end in (
            ("previous", day(3, 1), day(4, 1)),
            ("current", day(4, 1), day(5, 1)),
            ("next", day(5, 1), day(6, 1)),
        )
    }
    return {
        "id": _subscription_id(member),
        "starting_at": to_text(member.start),
        "created_at": to_text(member.start),
        "collection_schedule": "ARREARS",
        "subscription_rate": {
            "billing_frequency": "MONTHLY",
            "product": {"id": seats["id"], "name": seats["current"]["name"]},
        },
        "quantity_schedule": [{"quantity": terms.seats, "starting_at": to_text(member.start)}],
        "billing_periods": periods,
        "quantity_management_mode": "QUANTITY_ONLY",
        "proration": {"invoice_behavior": "BILL_IMMEDIATELY", "is_prorated": False},
        "custom_fields": {},
    }
