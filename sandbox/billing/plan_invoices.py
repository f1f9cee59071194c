"""Bill plans: usage times price, plus the monthly minimum, minus credit grants."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sandbox.core.account import Catalog
from sandbox.core.metering import Usage
from sandbox.core.records import GRACE, Record, make_id, plain, to_text, to_time, total
from sandbox.scenario.credit_grants import Grant
from sandbox.scenario.customers import CustomerScenario, customer_id
from sandbox.scenario.timeline import PAID_AFTER, VOIDED_AT

Period = tuple[datetime, datetime]


def months(
    start: datetime, end: datetime | None, now: datetime, anchor: int = 1
) -> Iterator[Period]:
    """Split [start, end), or all time since `start`, at each month's `anchor` day.

    The first period can be short. Yields the periods that have begun by `now`. The last one is
    whole even if it is still open.
    """
    while start <= now and (end is None or start < end):
        later = start.month + (start.day >= anchor)
        year, month = start.year + (later > 12), (later - 1) % 12 + 1
        until = start.replace(year=year, month=month, day=anchor)
        yield start, until
        start = until


def header(
    scenario: CustomerScenario,
    invoice_id: str,
    period: Period,
    now: datetime,
    issued_at: datetime | None = None,
) -> Record:
    """Return the fields of a usage invoice that do not depend on its lines."""
    start, end = period
    issued_at = issued_at or end + GRACE
    final = issued_at <= now
    suffix = "Z" if scenario.plan else "+00:00"
    invoice = {
        "id": invoice_id,
        "customer_id": customer_id(scenario),
        "status": "FINALIZED" if final else "DRAFT",
        "start_timestamp": to_text(start, suffix),
        "end_timestamp": to_text(end, suffix),
        "issued_at": to_text(issued_at, suffix),
        "billable_status": "billable",
        "customer_custom_fields": {},
        "custom_fields": {},
    }
    if scenario.terms is not None:
        invoice["net_payment_terms_days"] = scenario.terms
    if final:
        invoice |= external_invoice(scenario, invoice_id, issued_at, now)
    return invoice


def external_invoice(
    scenario: CustomerScenario, invoice_id: str, issued_at: datetime, now: datetime
) -> Record:
    """Return the billing provider's part of a finalized invoice: an object, null or nothing."""
    open_yet = scenario.status == "PAID" and issued_at + PAID_AFTER > now
    if scenario.status == "":
        return {}
    if scenario.status is None:
        return {"external_invoice": None}
    external = {
        "billing_provider_type": "stripe",
        "invoice_id": f"in_{invoice_id.replace('-', '')[:24]}",
        "issued_at_timestamp": to_text(issued_at, "+00:00"),
        "external_status": "SENT" if open_yet else scenario.status,
    }
    if scenario.status == "PAYMENT_FAILED":
        external["billing_provider_error"] = "Your card was declined."
    return {"external_invoice": external}


def plan_invoices(
    scenario: CustomerScenario, catalog: Catalog, usage: Usage, grants: list[Grant], now: datetime
) -> list[Record]:
    """Bill a plan customer month by month, one invoice per pricing unit of the plan."""
    plan = catalog.plans[scenario.plan]
    charges = _charges(catalog, plan)
    own_grants = [grant for grant in grants if grant.customer_key == scenario.key]
    units = dict.fromkeys(charge["credit_type"]["name"] for charge in charges)
    return [
        plan_invoice(
            scenario,
            plan,
            [charge for charge in charges if charge["credit_type"]["name"] == name],
            period,
            usage,
            [grant for grant in own_grants if grant.credit_type == name],
            now,
        )
        for period in months(scenario.start, scenario.end, now)
        for name in units
    ]


def plan_invoice(
    scenario: CustomerScenario,
    plan: Record,
    charges: list[Record],
    period: Period,
    usage: Usage,
    grants: list[Grant],
    now: datetime,
    regenerated_from: str | None = None,
) -> Record:
    """Return an invoice: lines per product, then the minimum, then the credit grants.

    Late usage counts only in a regenerated invoice.
    """
    unit_name = charges[0]["credit_type"]["name"]
    key = (regenerated_from or "first", unit_name, period[0].date())
    issued_at = VOIDED_AT if regenerated_from else None
    invoice = header(scenario, make_id("invoice", scenario.key, *key), period, now, issued_at)

    def measure(metric: Record) -> Decimal:
        late = regenerated_from is not None
        return usage.quantity(invoice["customer_id"], metric["id"], *period, late=late)

    subtotal, lines = Decimal(0), []
    for product in dict.fromkeys(charge["product_name"] for charge in charges):
        own = [charge for charge in charges if charge["product_name"] == product]
        subs = [
            sub_line(charge, measure(charge["billable_metric"]))
            for charge in own
            if charge["billable_metric"]
        ]
        lines.append(_product_line(own[0], subs))
        subtotal += lines[-1]["total"]

    due, adjustments = subtotal, []
    for charge in charges:
        if charge["charge_type"] == "minimum" and due < charge["prices"][0]["value"]:
            adjustments.append(_adjustment(charge, charge["prices"][0]["value"] - due))
            due = charge["prices"][0]["value"]
    for grant in sorted(grants, key=lambda grant: (grant.priority, grant.expires_at)):
        drawn = grant.draw(invoice["id"], period, due)
        if drawn:
            adjustment = _adjustment(charges[0], -drawn, f"Credit grant: {grant.name}")
            adjustments.append({**adjustment, "credit_grant_id": grant.id})
            due -= drawn
    invoice |= {
        "type": "PLAN_ARREARS",
        "credit_type": charges[0]["credit_type"],
        "plan_id": plan["id"],
        "plan_name": plan["name"],
        "plan_custom_fields": plan["custom_fields"],
        "line_items": lines,
        "subtotal": plain(subtotal),
        "invoice_adjustments": adjustments,
        "total": plain(due),
    }
    if regenerated_from:
        invoice["regenerated_from_invoice_id"] = regenerated_from
    return invoice


def regenerate(
    invoice: Record, scenario: CustomerScenario, catalog: Catalog, usage: Usage, now: datetime
) -> Record:
    """Return the successor of a voided invoice, recalculated from all usage known now."""
    plan = catalog.plans[scenario.plan]
    period = (to_time(invoice["start_timestamp"]), to_time(invoice["end_timestamp"]))
    charges = _charges(catalog, plan)
    return plan_invoice(scenario, plan, charges, period, usage, [], now, invoice["id"])


def _charges(catalog: Catalog, plan: Record) -> list[Record]:
    return [charge for charge in catalog.plan_charges if charge["plan_id"] == plan["id"]]


def sub_line(charge: Record, quantity: Decimal) -> Record:
    """Rate one charge: quantity times price, or the sum over the tiers."""
    line = {
        "name": charge["name"],
        "quantity": quantity,
        "charge_id": charge["id"],
        "custom_fields": {},
    }
    prices = charge["prices"]
    if len(prices) == 1:
        line["subtotal"] = plain(quantity * prices[0]["value"])
        if quantity:
            line["price"] = prices[0]["value"]
        return line
    tiers = []
    bounds = [price["tier"] for price in prices[1:]] + [Decimal("Infinity")]
    for price, bound in zip(prices, bounds, strict=True):
        inside = min(quantity, bound) - price["tier"]
        if inside > 0 or not tiers:
            tiers.append(
                {
                    "starting_at": price["tier"],
                    "quantity": inside,
                    "price": price["value"],
                    "subtotal": plain(inside * price["value"]),
                }
            )
    return {**line, "subtotal": total(tier["subtotal"] for tier in tiers), "tiers": tiers}


def _product_line(charge: Record, subs: list[Record]) -> Record:
    return {
        "name": charge["product_name"],
        "type": "usage",
        "quantity": Decimal(1),
        "total": total(sub["subtotal"] for sub in subs),
        "credit_type": charge["credit_type"],
        "product_id": charge["product_id"],
        "sub_line_items": subs,
    }


def _adjustment(charge: Record, amount: Decimal, name: str | None = None) -> Record:
    return {
        "name": name or charge["name"],
        "total": plain(amount),
        "credit_type": charge["credit_type"],
    }
