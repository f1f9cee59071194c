"""Commits and credits: what invoices take from them, their ledgers and balances."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from sandbox.billing.contract import Deal
from sandbox.billing.plan_invoices import Period
from sandbox.core.records import Record, make_id, plain, to_text, total
from sandbox.scenario.contract_terms import Fund, Scheduled, Segment

_LEDGERS = {"PREPAID": "PREPAID_COMMIT", "POSTPAID": "POSTPAID_COMMIT", "CREDIT": "CREDIT"}


def true_up(fund: Fund) -> Scheduled:
    """The charge for what a postpaid commit has left at its end."""
    return Scheduled(fund.product, f"{fund.name} true-up", fund.segments[-1].end, amount=left(fund))


def left(fund: Fund) -> Decimal:
    """What remains of a fund with one segment after all deductions, pending ones included."""
    return _left(fund, fund.segments[0], fund.segments[0].end)


def apply_funds(
    deal: Deal, funds: list[Fund], invoice_id: str, period: Period, charges: list[Record]
) -> list[Record]:
    """Negative lines that pay charges from the segments open at the start of the period.

    A fund pays charges in its own pricing unit. A later postpaid commit does not pay again what
    an earlier fund has paid.
    """
    open_segments = [
        (fund, segment)
        for fund in funds
        for segment in fund.segments
        if segment.start <= period[0] < segment.end
        and not (deal.has_passed(fund.archived_at) and fund.archived_at < period[1])
    ]
    open_segments.sort(key=lambda pair: (pair[0].priority, pair[1].end))
    due = [charge["total"] for charge in charges]
    lines = []
    for fund, segment in open_segments:
        taken = Decimal(0)
        available = _left(fund, segment, min(period[1], deal.now))
        for position, charge in enumerate(charges):
            if charge["credit_type"]["name"] != fund.unit:
                continue
            amount = min(available - taken, due[position])
            if amount > 0:
                taken += amount
                due[position] -= amount
                lines.append(_application(deal, fund, segment, charge, amount))
        if taken:
            segment.drawn.append((invoice_id, period[1], taken))
            if (
                fund.credited
                and fund.credited[0] == period[1]
                and deal.has_passed(fund.credited[1])
            ):
                segment.given_back.append((invoice_id, fund.credited[1], taken))
    return lines


def _left(fund: Fund, segment: Segment, until: datetime) -> Decimal:
    """What deductions leave, and changes by hand up to an instant."""
    back = total(amount for _, at, amount in segment.given_back if at <= until)
    by_hand = total(move.amount for move in fund.moves if move.at <= until)
    return segment.amount - total(amount for _, _, amount in segment.drawn) + back + by_hand


def _application(
    deal: Deal, fund: Fund, segment: Segment, charge: Record, amount: Decimal
) -> Record:
    shared = ("credit_type", "product_id", "product_type", "starting_at", "ending_before")
    fund_id = deal.fund_id(fund)
    return {
        "name": f"{charge['name']} - {fund.name} applied",
        "type": "applied_commit_or_credit",
        "total": plain(-amount),
        **{key: charge[key] for key in shared if key in charge},
        "applied_commit_or_credit": {"id": fund_id, "type": fund.kind},
        "commit_id": fund_id,
        "commit_segment_id": deal.segment_id(fund, segment),
        "commit_type": "PostpaidCommit" if fund.kind == "POSTPAID" else "PrepaidCommit",
    }


def fund_record(deal: Deal, fund: Fund) -> Record:
    """The API's commit or credit, with ledger and balance."""
    fund_id = deal.fund_id(fund)
    ledger = _ledger(deal, fund)
    usable = {
        deal.segment_id(fund, segment)
        for segment in fund.segments
        if segment.start <= deal.now < segment.end
    }
    balance = total(
        entry["amount"]
        for entry in ledger
        if usable and ("segment_id" not in entry or entry["segment_id"] in usable)
    )
    created_at = max(deal.signed_at, fund.segments[0].start) if fund.recurring else deal.signed_at
    record: Record = {
        "id": fund_id,
        "type": fund.kind,
        "name": fund.name,
        "priority": fund.priority,
        "product": deal.product(fund.product),
        "rate_type": "LIST_RATE",
        "access_schedule": {
            "credit_type": deal.unit(fund.unit),
            "schedule_items": [
                {
                    "id": deal.segment_id(fund, segment),
                    "amount": segment.amount,
                    "starting_at": to_text(segment.start, ".000Z"),
                    "ending_before": to_text(segment.end, ".000Z"),
                }
                for segment in fund.segments
            ],
        },
        "created_at": to_text(created_at, ".000Z"),
        "custom_fields": {},
        "balance": max(balance, Decimal(0)),
        "ledger": ledger,
    }
    if fund.on_contract:
        record["contract"] = {"id": deal.id}
    charges = list(deal.terms.scheduled)
    if fund.kind == "POSTPAID":
        charges.append(true_up(fund))
    for charge in charges:
        if charge.name == fund.name or charge.name == f"{fund.name} true-up":
            amount = charge.amount if charge.name == fund.name else fund.segments[0].amount
            record["invoice_schedule"] = payment(deal, charge, amount)
    if fund.recurring:
        record["recurring_credit_id"] = recurring_id(deal, fund.recurring)
    if fund.rolls_over:
        record["rollover_fraction"] = fund.rolls_over.fraction
    if fund.rolled_from:
        commit_id, contract_id = fund.rolled_from
        record["rolled_over_from"] = {"commit_id": commit_id, "contract_id": contract_id}
    if deal.has_passed(fund.archived_at):
        record["archived_at"] = to_text(fund.archived_at, ".000Z")
    return record


def recurring_id(deal: Deal, name: str) -> str:
    """The id of a recurring credit."""
    return make_id("recurring", deal.member.key, name)


def payment(deal: Deal, charge: Scheduled, amount: Decimal) -> Record:
    """A payment schedule with a single item."""
    item = {
        "id": make_id("payment", deal.member.key, charge.name),
        "invoice_id": deal.scheduled_invoice_id(charge.name),
        "amount": amount,
        "unit_price": amount,
        "quantity": 1,
        "timestamp": to_text(charge.date, "+00:00"),
    }
    return {"credit_type": deal.fiat, "schedule_items": [item]}


def _ledger(deal: Deal, fund: Fund) -> list[Record]:
    """Starts, one deduction per invoice at its period's end, changes by hand, and past ends."""
    prefix = _LEDGERS[fund.kind]
    moves: list[tuple[datetime, int, Record]] = []

    def move(at: datetime, order: int, kind: str, amount: Decimal, **more: str) -> None:
        entry = {"type": f"{prefix}_{kind}", "amount": plain(amount), **more}
        moves.append((at, order, entry))

    for segment in fund.segments:
        segment_id = deal.segment_id(fund, segment)
        if fund.kind == "POSTPAID":
            move(segment.start, 0, "INITIAL_BALANCE", segment.amount)
        else:
            move(segment.start, 0, "SEGMENT_START", segment.amount, segment_id=segment_id)
        for changes, kind, sign in (
            (segment.drawn, "AUTOMATED_INVOICE_DEDUCTION", -1),
            (segment.given_back, "CREDITED", 1),
        ):
            for invoice_id, at, amount in changes:
                ids = {"segment_id": segment_id, "invoice_id": invoice_id, "contract_id": deal.id}
                move(at, 1, kind, sign * amount, **ids)
        if segment.end <= deal.now:
            _close(deal, fund, segment, move)
    for by_hand in fund.moves:
        if by_hand.at <= deal.now:
            move(by_hand.at, 1, "MANUAL", by_hand.amount, reason=by_hand.reason)
    if deal.has_passed(fund.archived_at):
        rest = _left(fund, fund.segments[0], fund.archived_at)
        move(fund.archived_at, 1, "MANUAL", -rest, reason="Withdrawn")
    moves.sort(key=lambda item: item[:2])
    return [{**entry, "timestamp": to_text(at, "+00:00")} for at, _, entry in moves]


def _close(deal: Deal, fund: Fund, segment: Segment, move: Callable[..., None]) -> None:
    """What happens to the rest of a segment at its end: trued up, rolled over, expired."""
    segment_id = deal.segment_id(fund, segment)
    rest = _left(fund, segment, segment.end)
    if fund.kind == "POSTPAID":
        invoice_id = deal.scheduled_invoice_id(true_up(fund).name)
        move(segment.end, 2, "TRUEUP", -rest, invoice_id=invoice_id, contract_id=deal.id)
        return
    if fund.rolls_over:
        rolled = rest * fund.rolls_over.fraction
        successor = deal.contract_id(fund.rolls_over.contract)
        ids = {"segment_id": segment_id, "new_contract_id": successor}
        move(segment.end, 2, "ROLLOVER", -rolled, **ids)
        rest -= rolled
    move(segment.end, 3, "EXPIRATION", -rest, segment_id=segment_id)
