"""Bill contracts: rated usage, subscriptions and scheduled charges, less commits and credits."""

from datetime import datetime
from decimal import Decimal

from sandbox.billing.commits import apply_commits, commit_record, left, true_up
from sandbox.billing.contract import Contract
from sandbox.billing.contract_objects import contract_edits, contract_record, seat_records
from sandbox.billing.plan_invoices import Period, external_invoice, header, months
from sandbox.core.account import AccountState
from sandbox.core.records import Price, Record, make_id, plain, to_text, to_time, total
from sandbox.scenario.catalog import AI_CREDITS, CENTS_PER_AI_CREDIT
from sandbox.scenario.contract_terms import CONSOLIDATED, CommitOrCredit, Scheduled, Segment, Terms
from sandbox.scenario.customers import CustomerScenario


def bill_contracts(scenario: CustomerScenario, signed: list[Terms], state: AccountState) -> None:
    """Add a customer's contracts, invoices, commits and credits to the state.

    `signed` has the contracts in order of start, so that a renewal can inherit the remainder of
    the contract before it.
    """
    contracts = [
        Contract(scenario, terms, state.catalog, state.usage, state.now) for terms in signed
    ]
    contracts = [contract for contract in contracts if contract.signed_at <= state.now]
    records, balances, invoices = [], [], []
    rolled: dict[str, CommitOrCredit] = {}
    for contract in contracts:
        commits = [*_inherited(contract, rolled), *contract.terms.commits, *_issued(contract)]
        invoices += _invoices(contract, commits)
        rolled |= _rolled_over(contract)
        own = [commit_record(contract, commit) for commit in commits]
        balances += own
        records.append(contract_record(contract, contracts, own))
        if edits := contract_edits(contract):
            state.contract_edits[contract.id] = edits
        state.subscription_seats.update(seat_records(contract))
    if scenario.key in CONSOLIDATED:
        invoices = _consolidated(scenario, invoices, state.now)
    customer = records[0]["customer_id"]
    state.contracts[customer] = records
    state.balances[customer] = balances
    state.invoices.extend(invoices)


def _issued(contract: Contract) -> list[CommitOrCredit]:
    """Return the credits that recurring credits have issued so far."""
    return [
        CommitOrCredit(
            f"{recurring.name} {start:%Y-%m}",
            "CREDIT",
            [Segment(start, end, recurring.amount)],
            unit=recurring.unit,
            recurring=recurring.name,
        )
        for recurring in contract.terms.recurring
        for start, end in months(contract.start, contract.end, contract.now)
    ]


def _rolled_over(contract: Contract) -> dict[str, CommitOrCredit]:
    """Return the commits that an ended contract rolls over, by the key of the renewal."""
    inherited = {}
    for commit in contract.terms.commits:
        if commit.rolls_over and contract.has_passed(contract.end):
            segment = Segment(contract.end, contract.end, left(commit) * commit.rolls_over.fraction)
            origin = (contract.commit_id(commit), contract.id)
            inherited[commit.rolls_over.contract] = CommitOrCredit(
                commit.rolls_over.name, commit.kind, [segment], commit.product, rolled_from=origin
            )
    return inherited


def _inherited(contract: Contract, rolled: dict[str, CommitOrCredit]) -> list[CommitOrCredit]:
    commits = [rolled[contract.terms.key]] if contract.terms.key in rolled else []
    for commit in commits:
        commit.segments[0].end = contract.end
    return commits


def _invoices(contract: Contract, commits: list[CommitOrCredit]) -> list[Record]:
    invoices = [
        _usage_invoice(contract, commits, period)
        for period in months(contract.start, contract.end, contract.now, contract.terms.anchor)
    ]
    charges = [
        charge for charge in contract.terms.scheduled if not contract.has_passed(charge.archived_at)
    ]
    charges += [true_up(commit) for commit in commits if commit.kind == "POSTPAID" and left(commit)]
    invoices += [_scheduled_invoice(contract, charge, commits) for charge in charges]
    # An archived contract has ended, and its drafts were deleted.
    return [
        invoice
        for invoice in invoices
        if not contract.is_archived or to_time(invoice["issued_at"]) <= contract.terms.archived_at
    ]


def _usage_invoice(contract: Contract, commits: list[CommitOrCredit], period: Period) -> Record:
    """Bill a month: usage, seats, conversion of AI Credits, and applied commits and credits."""
    invoice_id = make_id(
        "invoice", contract.scenario.key, *_of_contract(contract), period[0].date()
    )
    invoice = header(contract.scenario, invoice_id, period, contract.now)
    lines = []
    for name in contract.terms.products:
        product = contract.catalog.contract_products[name]
        metric_id = product["current"]["billable_metric_id"]
        quantity = contract.usage.quantity(invoice["customer_id"], metric_id, *period, late=False)
        lines.append(
            _line(contract, "usage", name, quantity, contract.price(name, period[0]), period)
        )
    lines += _subscription_lines(contract, period)
    custom = [line for line in lines if line["credit_type"] != contract.fiat]
    if custom:
        applied = apply_commits(contract, commits, invoice_id, period, custom)
        lines += [*applied, *_conversion(contract, custom + applied, period)]
    fiat = [line for line in lines if line["credit_type"] == contract.fiat]
    lines += apply_commits(contract, commits, invoice_id, period, fiat)
    return invoice | {
        "type": "USAGE",
        "credit_type": contract.fiat,
        "contract_id": contract.id,
        "contract_custom_fields": {},
        "line_items": lines,
        "total": invoice_total(lines, contract.fiat),
    }


def invoice_total(lines: list[Record], credit_type: Record) -> Decimal:
    """Add up the lines in an invoice's unit, except postpaid applications."""
    return total(
        line["total"]
        for line in lines
        if line["credit_type"] == credit_type
        and line.get("applied_commit_or_credit", {}).get("type") != "POSTPAID"
    )


def _of_contract(contract: Contract) -> list[str]:
    """Return the part of an invoice's id that depends on the contract."""
    return [contract.terms.key] if contract.terms.key else []


def _subscription_lines(contract: Contract, period: Period) -> list[Record]:
    """Return a line per subscription and quantity, prorated by days for a part of the period."""
    lines = []
    for subscription in contract.terms.subscriptions:
        price = contract.price(subscription.product, period[0])
        for since, until, quantity in contract.quantities(subscription):
            start, end = max(since, period[0]), min(until or period[1], period[1])
            if start < end and quantity:
                part = Decimal((end - start).days) * price.amount / (period[1] - period[0]).days
                prorated = Price(plain(part), price.unit)
                line = _line(
                    contract,
                    "subscription",
                    subscription.product,
                    Decimal(quantity),
                    prorated,
                    (start, end),
                )
                line["subscription_id"] = contract.subscription_id(subscription)
                line["is_prorated"] = (start, end) != period
                lines.append(line)
    return lines


def _conversion(contract: Contract, lines: list[Record], period: Period) -> list[Record]:
    """Return the line that converts AI Credits into the invoice's own unit, if any are due."""
    due = total(line["total"] for line in lines)
    if not due:
        return []
    return [
        {
            "name": f"{AI_CREDITS} to {contract.fiat['name']}",
            "type": "cpu_conversion",
            "quantity": due,
            "unit_price": CENTS_PER_AI_CREDIT,
            "total": plain(due * CENTS_PER_AI_CREDIT),
            "credit_type": contract.fiat,
            "starting_at": to_text(period[0], "+00:00"),
            "ending_before": to_text(period[1], "+00:00"),
        }
    ]


def _line(
    contract: Contract,
    kind: str,
    product_name: str,
    quantity: Decimal,
    price: Price,
    period: Period,
) -> Record:
    product = contract.catalog.contract_products[product_name]
    product_type = {"USAGE": "Usage", "SUBSCRIPTION": "Subscription", "FIXED": "Fixed"}
    return {
        "name": product["current"]["name"],
        "type": kind,
        "quantity": quantity,
        "unit_price": price.amount,
        "total": plain(quantity * price.amount),
        "credit_type": contract.unit(price.unit),
        "product_id": product["id"],
        "product_type": f"{product_type[product['type']]}ProductListItem",
        "product_tags": product["current"]["tags"],
        "product_custom_fields": {},
        "starting_at": to_text(period[0], "+00:00"),
        "ending_before": to_text(period[1], "+00:00"),
    }


def _scheduled_invoice(
    contract: Contract, charge: Scheduled, commits: list[CommitOrCredit]
) -> Record:
    """Bill a scheduled charge: an invoice without a period, a draft until its date."""
    invoice_id = contract.scheduled_invoice_id(charge.name)
    if charge.amount is None:
        price = contract.price(charge.product, charge.date)
    else:
        price = Price(charge.amount, contract.fiat["name"])
    period = (charge.date, charge.date)
    line = _line(contract, charge.line_type, charge.product, Decimal(1), price, period)
    del line["starting_at"], line["ending_before"]
    if charge.line_type == "commit_purchase":
        commit_id = make_id("fund", contract.scenario.key, charge.name)
        line |= {"name": charge.name, "commit_id": commit_id, "commit_type": "PrepaidCommit"}
    elif charge in contract.terms.scheduled:
        line["scheduled_charge_id"] = make_id("scheduled", contract.scenario.key, charge.name)
    else:
        (commit,) = (commit for commit in commits if true_up(commit).name == charge.name)
        line |= {"name": charge.name, "postpaid_commit": {"id": contract.commit_id(commit)}}
    final = charge.date <= contract.now
    return {
        "id": invoice_id,
        "customer_id": make_id("customer", contract.scenario.key),
        "type": "SCHEDULED",
        "status": "FINALIZED" if final else "DRAFT",
        "issued_at": to_text(charge.date, "+00:00"),
        "credit_type": contract.fiat,
        "contract_id": contract.id,
        "net_payment_terms_days": contract.scenario.terms,
        "line_items": [line],
        "total": line["total"],
    } | (
        external_invoice(contract.scenario, invoice_id, charge.date, contract.now) if final else {}
    )


def _consolidated(
    scenario: CustomerScenario, invoices: list[Record], now: datetime
) -> list[Record]:
    """Return the invoices and, for each period, the consolidated invoice sent to the payer."""
    periods: dict[tuple[str, str], list[Record]] = {}
    for invoice in invoices:
        invoice.pop("external_invoice", None)
        key = (invoice["start_timestamp"], invoice["end_timestamp"])
        periods.setdefault(key, []).append(invoice)
    return [
        *invoices,
        *(_consolidation(scenario, constituents, now) for constituents in periods.values()),
    ]


def _consolidation(scenario: CustomerScenario, constituents: list[Record], now: datetime) -> Record:
    first = constituents[0]
    period = (to_time(first["start_timestamp"]), to_time(first["end_timestamp"]))
    invoice_id = make_id("invoice", scenario.key, "consolidated", period[0].date())
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
    return header(scenario, invoice_id, period, now) | {
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
