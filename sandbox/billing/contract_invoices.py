"""Contract invoices: rated usage, subscriptions and scheduled charges, less commits and credits."""

from datetime import datetime
from decimal import Decimal

from sandbox.billing.commits import apply_funds, fund_record, left, true_up
from sandbox.billing.contract import Deal
from sandbox.billing.contract_objects import contract_edits, contract_record, seat_records
from sandbox.billing.plan_invoices import Period, external_invoice, header, months
from sandbox.core.account import AccountState
from sandbox.core.records import Price, Record, make_id, plain, to_text, to_time, total
from sandbox.scenario.catalog import AI_CREDITS, CENTS_PER_AI_CREDIT
from sandbox.scenario.contract_terms import CONSOLIDATED, Fund, Scheduled, Segment, Terms
from sandbox.scenario.customers import Member


def bill_contracts(member: Member, signed: list[Terms], books: AccountState) -> None:
    """Put a customer's contracts, invoices, commits and credits into the books.

    `signed` are its contracts in the order of their starts, so that a renewal can take over what
    the contract before it has left.
    """
    deals = [Deal(member, terms, books.catalog, books.usage, books.now) for terms in signed]
    deals = [deal for deal in deals if deal.signed_at <= books.now]
    contracts, balances, invoices = [], [], []
    rolled: dict[str, Fund] = {}
    for deal in deals:
        funds = [*_inherited(deal, rolled), *deal.terms.funds, *_issued(deal)]
        invoices += _invoices(deal, funds)
        rolled |= _rolled_over(deal)
        records = [fund_record(deal, fund) for fund in funds]
        balances += records
        contracts.append(contract_record(deal, deals, records))
        if edits := contract_edits(deal):
            books.contract_edits[deal.id] = edits
        books.subscription_seats.update(seat_records(deal))
    if member.key in CONSOLIDATED:
        invoices = _consolidated(member, invoices, books.now)
    customer = contracts[0]["customer_id"]
    books.contracts[customer] = contracts
    books.balances[customer] = balances
    books.invoices.extend(invoices)


def _issued(deal: Deal) -> list[Fund]:
    """The credits that recurring credits have become so far."""
    return [
        Fund(
            f"{recurring.name} {start:%Y-%m}",
            "CREDIT",
            [Segment(start, end, recurring.amount)],
            unit=recurring.unit,
            recurring=recurring.name,
        )
        for recurring in deal.terms.recurring
        for start, end in months(deal.start, deal.end, deal.now)
    ]


def _rolled_over(deal: Deal) -> dict[str, Fund]:
    """By the key of the renewed contract, what the commits of an ended contract leave to it."""
    inherited = {}
    for fund in deal.terms.funds:
        if fund.rolls_over and deal.has_passed(deal.end):
            segment = Segment(deal.end, deal.end, left(fund) * fund.rolls_over.fraction)
            origin = (deal.fund_id(fund), deal.id)
            inherited[fund.rolls_over.contract] = Fund(
                fund.rolls_over.name, fund.kind, [segment], fund.product, rolled_from=origin
            )
    return inherited


def _inherited(deal: Deal, rolled: dict[str, Fund]) -> list[Fund]:
    funds = [rolled[deal.terms.key]] if deal.terms.key in rolled else []
    for fund in funds:
        fund.segments[0].end = deal.end
    return funds


def _invoices(deal: Deal, funds: list[Fund]) -> list[Record]:
    invoices = [
        _usage_invoice(deal, funds, period)
        for period in months(deal.start, deal.end, deal.now, deal.terms.anchor)
    ]
    charges = [charge for charge in deal.terms.scheduled if not deal.has_passed(charge.archived_at)]
    charges += [true_up(fund) for fund in funds if fund.kind == "POSTPAID" and left(fund)]
    invoices += [_scheduled_invoice(deal, charge, funds) for charge in charges]
    # Archiving a contract ends it: what was not issued by then never will be.
    return [
        invoice
        for invoice in invoices
        if not deal.is_archived or to_time(invoice["issued_at"]) <= deal.terms.archived_at
    ]


def _usage_invoice(deal: Deal, funds: list[Fund], period: Period) -> Record:
    """One month: usage and seats, what is due in AI Credits converted, and what pays for them."""
    invoice_id = make_id("invoice", deal.member.key, *_of_contract(deal), period[0].date())
    invoice = header(deal.member, invoice_id, period, deal.now)
    lines = []
    for name in deal.terms.products:
        product = deal.catalog.contract_products[name]
        metric_id = product["current"]["billable_metric_id"]
        quantity = deal.usage.quantity(invoice["customer_id"], metric_id, *period, late=False)
        lines.append(_line(deal, "usage", name, quantity, deal.price(name, period[0]), period))
    lines += _subscription_lines(deal, period)
    custom = [line for line in lines if line["credit_type"] != deal.fiat]
    if custom:
        applied = apply_funds(deal, funds, invoice_id, period, custom)
        lines += [*applied, *_conversion(deal, custom + applied, period)]
    fiat = [line for line in lines if line["credit_type"] == deal.fiat]
    lines += apply_funds(deal, funds, invoice_id, period, fiat)
    return invoice | {
        "type": "USAGE",
        "credit_type": deal.fiat,
        "contract_id": deal.id,
        "contract_custom_fields": {},
        "line_items": lines,
        "total": invoice_total(lines, deal.fiat),
    }


def invoice_total(lines: list[Record], credit_type: Record) -> Decimal:
    """What lines make an invoice's total: those in its unit, but for postpaid applications."""
    return total(
        line["total"]
        for line in lines
        if line["credit_type"] == credit_type
        and line.get("applied_commit_or_credit", {}).get("type") != "POSTPAID"
    )


def _of_contract(deal: Deal) -> list[str]:
    """What tells apart the invoices of a customer's contracts in their ids."""
    return [deal.terms.key] if deal.terms.key else []


def _subscription_lines(deal: Deal, period: Period) -> list[Record]:
    """One line per subscription and quantity within the period, a part of it prorated by days."""
    lines = []
    for subscription in deal.terms.subscriptions:
        price = deal.price(subscription.product, period[0])
        for since, until, quantity in deal.quantities(subscription):
            start, end = max(since, period[0]), min(until or period[1], period[1])
            if start < end and quantity:
                part = Decimal((end - start).days) * price.amount / (period[1] - period[0]).days
                prorated = Price(plain(part), price.unit)
                line = _line(
                    deal,
                    "subscription",
                    subscription.product,
                    Decimal(quantity),
                    prorated,
                    (start, end),
                )
                line["subscription_id"] = deal.subscription_id(subscription)
                line["is_prorated"] = (start, end) != period
                lines.append(line)
    return lines


def _conversion(deal: Deal, lines: list[Record], period: Period) -> list[Record]:
    """The line that puts what is due in AI Credits into the invoice's own unit, if any is."""
    due = total(line["total"] for line in lines)
    if not due:
        return []
    return [
        {
            "name": f"{AI_CREDITS} to {deal.fiat['name']}",
            "type": "cpu_conversion",
            "quantity": due,
            "unit_price": CENTS_PER_AI_CREDIT,
            "total": plain(due * CENTS_PER_AI_CREDIT),
            "credit_type": deal.fiat,
            "starting_at": to_text(period[0], "+00:00"),
            "ending_before": to_text(period[1], "+00:00"),
        }
    ]


def _line(
    deal: Deal, kind: str, product_name: str, quantity: Decimal, price: Price, period: Period
) -> Record:
    product = deal.catalog.contract_products[product_name]
    product_type = {"USAGE": "Usage", "SUBSCRIPTION": "Subscription", "FIXED": "Fixed"}
    return {
        "name": product["current"]["name"],
        "type": kind,
        "quantity": quantity,
        "unit_price": price.amount,
        "total": plain(quantity * price.amount),
        "credit_type": deal.unit(price.unit),
        "product_id": product["id"],
        "product_type": f"{product_type[product['type']]}ProductListItem",
        "product_tags": product["current"]["tags"],
        "product_custom_fields": {},
        "starting_at": to_text(period[0], "+00:00"),
        "ending_before": to_text(period[1], "+00:00"),
    }


def _scheduled_invoice(deal: Deal, charge: Scheduled, funds: list[Fund]) -> Record:
    """An invoice without a period, a draft until its date."""
    invoice_id = deal.scheduled_invoice_id(charge.name)
    if charge.amount is None:
        price = deal.price(charge.product, charge.date)
    else:
        price = Price(charge.amount, deal.fiat["name"])
    period = (charge.date, charge.date)
    line = _line(deal, charge.line_type, charge.product, Decimal(1), price, period)
    del line["starting_at"], line["ending_before"]
    if charge.line_type == "commit_purchase":
        commit_id = make_id("fund", deal.member.key, charge.name)
        line |= {"name": charge.name, "commit_id": commit_id, "commit_type": "PrepaidCommit"}
    elif charge in deal.terms.scheduled:
        line["scheduled_charge_id"] = make_id("scheduled", deal.member.key, charge.name)
    else:
        (commit,) = (fund for fund in funds if true_up(fund).name == charge.name)
        line |= {"name": charge.name, "postpaid_commit": {"id": deal.fund_id(commit)}}
    final = charge.date <= deal.now
    return {
        "id": invoice_id,
        "customer_id": make_id("customer", deal.member.key),
        "type": "SCHEDULED",
        "status": "FINALIZED" if final else "DRAFT",
        "issued_at": to_text(charge.date, "+00:00"),
        "credit_type": deal.fiat,
        "contract_id": deal.id,
        "net_payment_terms_days": deal.member.terms,
        "line_items": [line],
        "total": line["total"],
    } | (external_invoice(deal.member, invoice_id, charge.date, deal.now) if final else {})


def _consolidated(member: Member, invoices: list[Record], now: datetime) -> list[Record]:
    """The invoices and, for each period, the one that sums them up and alone goes to the payer."""
    periods: dict[tuple[str, str], list[Record]] = {}
    for invoice in invoices:
        invoice.pop("external_invoice", None)
        key = (invoice["start_timestamp"], invoice["end_timestamp"])
        periods.setdefault(key, []).append(invoice)
    return [
        *invoices,
        *(_consolidation(member, constituents, now) for constituents in periods.values()),
    ]


def _consolidation(member: Member, constituents: list[Record], now: datetime) -> Record:
    first = constituents[0]
    period = (to_time(first["start_timestamp"]), to_time(first["end_timestamp"]))
    invoice_id = make_id("invoice", member.key, "consolidated", period[0].date())
    lines = [
        line
        | {
            "origin": {
                "line_item_id": make_id(invoice["id"], "line", position),
                "invoice_id": invoice["id"],
                "customer_id": invoice["customer_id"],
                "contract_id": invoice["contract_id"],
            }
        }
        for invoice in constituents
        for position, line in enumerate(invoice["line_items"])
    ]
    return header(member, invoice_id, period, now) | {
        "type": "USAGE_CONSOLIDATED",
        "credit_type": first["credit_type"],
        "constituent_invoices": [
            {
                "invoice_id": invoice["id"],
                "contract_id": invoice["contract_id"],
                "customer_id": invoice["customer_id"],
            }
            for invoice in constituents
        ],
        "line_items": lines,
        "total": total(invoice["total"] for invoice in constituents),
    }
