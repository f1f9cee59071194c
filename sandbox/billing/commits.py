"""Compute commits and credits: deductions by invoices, ledgers and balances."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from sandbox.billing.contract import Contract
from sandbox.billing.plan_invoices import Period
from sandbox.core.records import Record, make_id, plain, to_text, total
from sandbox.scenario.contract_terms import CommitOrCredit, Scheduled, Segment

_LEDGERS = {"PREPAID": "PREPAID_COMMIT", "POSTPAID": "POSTPAID_COMMIT", "CREDIT": "CREDIT"}


def true_up(commit: CommitOrCredit) -> Scheduled:
    """Return the charge for the remainder of a postpaid commit at its end."""
    return Scheduled(
        commit.product, f"{commit.name} true-up", commit.segments[-1].end, amount=left(commit)
    )


def left(commit: CommitOrCredit) -> Decimal:
    """Return what is left of a commit with one segment. Pending deductions are subtracted."""
    return _left(commit, commit.segments[0], commit.segments[0].end)


def apply_commits(
    contract: Contract,
    commits: list[CommitOrCredit],
    invoice_id: str,
    period: Period,
    charges: list[Record],
) -> list[Record]:
    """Return the negative lines that pay charges from segments open at the period's start.

    A commit pays charges in its own pricing unit. A later postpaid commit does not pay again what
    an earlier commit has paid.
    """
    open_segments = [
        (commit, segment)
        for commit in commits
        for segment in commit.segments
        if segment.start <= period[0] < segment.end
        and not (contract.has_passed(commit.archived_at) and commit.archived_at < period[1])
    ]
    open_segments.sort(key=lambda pair: (pair[0].priority, pair[1].end))
    due = [charge["total"] for charge in charges]
    lines = []
    for commit, segment in open_segments:
        taken = Decimal(0)
        available = _left(commit, segment, min(period[1], contract.now))
        for position, charge in enumerate(charges):
            if charge["credit_type"]["name"] != commit.unit:
                continue
            amount = min(available - taken, due[position])
            if amount > 0:
                taken += amount
                due[position] -= amount
                lines.append(_application(contract, commit, segment, charge, amount))
        if taken:
            segment.drawn.append((invoice_id, period[1], taken))
            if (
                commit.credited
                and commit.credited[0] == period[1]
                and contract.has_passed(commit.credited[1])
            ):
                segment.given_back.append((invoice_id, commit.credited[1], taken))
    return lines


def _left(commit: CommitOrCredit, segment: Segment, until: datetime) -> Decimal:
    """Return the remainder of a segment, with manual entries up to an instant."""
    back = total(amount for _, at, amount in segment.given_back if at <= until)
    by_hand = total(entry.amount for entry in commit.manual_entries if entry.at <= until)
    return segment.amount - total(amount for _, _, amount in segment.drawn) + back + by_hand


def _application(
    contract: Contract, commit: CommitOrCredit, segment: Segment, charge: Record, amount: Decimal
) -> Record:
    shared = ("credit_type", "product_id", "product_type", "starting_at", "ending_before")
    commit_id = contract.commit_id(commit)
    return {
        "name": f"{charge['name']} - {commit.name} applied",
        "type": "applied_commit_or_credit",
        "total": plain(-amount),
        **{key: charge[key] for key in shared if key in charge},
        "applied_commit_or_credit": {"id": commit_id, "type": commit.kind},
        "commit_id": commit_id,
        "commit_segment_id": contract.segment_id(commit, segment),
        "commit_type": "PostpaidCommit" if commit.kind == "POSTPAID" else "PrepaidCommit",
    }


def commit_record(contract: Contract, commit: CommitOrCredit) -> Record:
    """Return the API's commit or credit, with ledger and balance."""
    commit_id = contract.commit_id(commit)
    ledger = _ledger(contract, commit)
    usable = {
        contract.segment_id(commit, segment)
        for segment in commit.segments
        if segment.start <= contract.now < segment.end
    }
    balance = total(
        entry["amount"]
        for entry in ledger
        if usable and ("segment_id" not in entry or entry["segment_id"] in usable)
    )
    created_at = (
        max(contract.signed_at, commit.segments[0].start)
        if commit.recurring
        else contract.signed_at
    )
    record: Record = {
        "id": commit_id,
        "type": commit.kind,
        "name": commit.name,
        "priority": commit.priority,
        "product": contract.product(commit.product),
        "rate_type": "LIST_RATE",
        "access_schedule": {
            "credit_type": contract.unit(commit.unit),
            "schedule_items": [
                {
                    "id": contract.segment_id(commit, segment),
                    "amount": segment.amount,
                    "starting_at": to_text(segment.start, ".000Z"),
                    "ending_before": to_text(segment.end, ".000Z"),
                }
                for segment in commit.segments
            ],
        },
        "created_at": to_text(created_at, ".000Z"),
        "custom_fields": {},
        "balance": max(balance, Decimal(0)),
        "ledger": ledger,
    }
    if commit.on_contract:
        record["contract"] = {"id": contract.id}
    charges = list(contract.terms.scheduled)
    if commit.kind == "POSTPAID":
        charges.append(true_up(commit))
    for charge in charges:
        if charge.name == commit.name or charge.name == f"{commit.name} true-up":
            amount = charge.amount if charge.name == commit.name else commit.segments[0].amount
            record["invoice_schedule"] = payment(contract, charge, amount)
    if commit.recurring:
        record["recurring_credit_id"] = recurring_id(contract, commit.recurring)
    if commit.rolls_over:
        record["rollover_fraction"] = commit.rolls_over.fraction
    if commit.rolled_from:
        commit_id, contract_id = commit.rolled_from
        record["rolled_over_from"] = {"commit_id": commit_id, "contract_id": contract_id}
    if contract.has_passed(commit.archived_at):
        record["archived_at"] = to_text(commit.archived_at, ".000Z")
    return record


def recurring_id(contract: Contract, name: str) -> str:
    """Return the id of a recurring credit."""
    return make_id("recurring", contract.scenario.key, name)


def payment(contract: Contract, charge: Scheduled, amount: Decimal) -> Record:
    """Return a payment schedule with a single item."""
    item = {
        "id": make_id("payment", contract.scenario.key, charge.name),
        "invoice_id": contract.scheduled_invoice_id(charge.name),
        "amount": amount,
        "unit_price": amount,
        "quantity": 1,
        "timestamp": to_text(charge.date, "+00:00"),
    }
    return {"credit_type": contract.fiat, "schedule_items": [item]}


def _ledger(contract: Contract, commit: CommitOrCredit) -> list[Record]:
    """Return the ledger: starts, one deduction per invoice, manual entries, and past ends."""
    prefix = _LEDGERS[commit.kind]
    entries: list[tuple[datetime, int, Record]] = []

    def add(at: datetime, order: int, kind: str, amount: Decimal, **more: str) -> None:
        entry = {"type": f"{prefix}_{kind}", "amount": plain(amount), **more}
        entries.append((at, order, entry))

    for segment in commit.segments:
        segment_id = contract.segment_id(commit, segment)
        if commit.kind == "POSTPAID":
            add(segment.start, 0, "INITIAL_BALANCE", segment.amount)
        else:
            add(segment.start, 0, "SEGMENT_START", segment.amount, segment_id=segment_id)
        for changes, kind, sign in (
            (segment.drawn, "AUTOMATED_INVOICE_DEDUCTION", -1),
            (segment.given_back, "CREDITED", 1),
        ):
            for invoice_id, at, amount in changes:
                ids = {
                    "segment_id": segment_id,
                    "invoice_id": invoice_id,
                    "contract_id": contract.id,
                }
                add(at, 1, kind, sign * amount, **ids)
        if segment.end <= contract.now:
            _close(contract, commit, segment, add)
    for by_hand in commit.manual_entries:
        if by_hand.at <= contract.now:
            add(by_hand.at, 1, "MANUAL", by_hand.amount, reason=by_hand.reason)
    if contract.has_passed(commit.archived_at):
        rest = _left(commit, commit.segments[0], commit.archived_at)
        add(commit.archived_at, 1, "MANUAL", -rest, reason="Withdrawn")
    entries.sort(key=lambda item: item[:2])
    return [{**entry, "timestamp": to_text(at, "+00:00")} for at, _, entry in entries]


def _close(
    contract: Contract, commit: CommitOrCredit, segment: Segment, add: Callable[..., None]
) -> None:
    """Add the entries for the remainder of a segment: true-up, rollover, expiration."""
    segment_id = contract.segment_id(commit, segment)
    rest = _left(commit, segment, segment.end)
    if commit.kind == "POSTPAID":
        invoice_id = contract.scheduled_invoice_id(true_up(commit).name)
        add(segment.end, 2, "TRUEUP", -rest, invoice_id=invoice_id, contract_id=contract.id)
        return
    if commit.rolls_over:
        rolled = rest * commit.rolls_over.fraction
        successor = contract.contract_id(commit.rolls_over.contract)
        ids = {"segment_id": segment_id, "new_contract_id": successor}
        add(segment.end, 2, "ROLLOVER", -rolled, **ids)
        rest -= rolled
    add(segment.end, 3, "EXPIRATION", -rest, segment_id=segment_id)
