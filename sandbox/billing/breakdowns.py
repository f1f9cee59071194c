"""Cut invoices into days or hours that add up to the invoice exactly.

- Usage falls into the window in which it was used. Tiers fill in the order of time.
- Charges other than usage (seats, scheduled charges, a plan's minimum) fall into the first window.
- A conversion from a custom unit follows the lines in that unit.
- Commits and credits pay window by window, from the first one with a charge that they cover,
  until they are used up. A plan's credit grants pay any product in the same way.
- If an amount does not divide, the last window with a share takes the remainder.

A plan's line per product has quantity 1 in every window. Its sub-lines add up.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from sandbox.core.records import Record, plain, to_text, to_time, total
from sandbox.core.usage_index import WINDOWS, Quantities, floor

Parts = list[Record | None]
"""A line's part in each window, or None."""

Measure = Callable[[Record], Quantities | None]
"""A function that returns the usage of a line or sub-line by window, None for other lines."""


def breakdown(invoice: Record, size: str, now: datetime, measure: Measure) -> list[Record]:
    """Return an invoice by HOUR or DAY: its fields, with the lines and total of each window.

    Windows are in UTC and end with the invoice's period. Windows that begin after `now` are left
    out. An invoice without a period has one window, that of its issue.
    """
    windows = _windows(invoice, size, now)
    if not windows:
        return []
    lines = _split_lines(invoice["line_items"], [start for start, _ in windows], measure)
    adjustments = _split_adjustments(invoice, lines, len(windows))
    rows = []
    for number, (start, end) in enumerate(windows):
        row = {
            **invoice,
            "line_items": [parts[number] for parts in lines if parts[number]],
            "breakdown_start_timestamp": to_text(start),
            "breakdown_end_timestamp": to_text(end),
        }
        amount = counted(row)
        if adjustments is not None:
            row["subtotal"] = amount
            row["invoice_adjustments"] = [parts[number] for parts in adjustments if parts[number]]
            amount = total([amount, *(item["total"] for item in row["invoice_adjustments"])])
        rows.append({**row, "total": amount})
    return rows


def counted(invoice: Record) -> Decimal:
    """Add up the lines in the invoice's unit, except postpaid applications."""
    unit_id = invoice["credit_type"]["id"]
    return total(
        line["total"]
        for line in invoice["line_items"]
        if line["credit_type"]["id"] == unit_id
        and line.get("applied_commit_or_credit", {}).get("type") != "POSTPAID"
    )


def joined(parts: list[Record]) -> Record:
    """Merge the parts of a line: add up quantities and totals."""
    whole = {**parts[0], "total": total(part["total"] for part in parts)}
    if "sub_line_items" in whole:
        subs = zip(*(part["sub_line_items"] for part in parts), strict=True)
        whole["sub_line_items"] = [_joined_subs(list(sub)) for sub in subs]
    elif "quantity" in whole:
        whole["quantity"] = total(part["quantity"] for part in parts)
    return whole


def spread(amount: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Split an amount exactly in proportion to weights. Without weights, the first gets all."""
    whole = total(weights)
    if amount == whole:
        return weights
    if not whole:
        return [amount] + [Decimal(0)] * (len(weights) - 1)
    shares, weight, given = [], Decimal(0), Decimal(0)
    for item in weights:
        weight += item
        until = amount if weight == whole else round(amount * weight / whole, 6)
        shares.append(plain(until - given))
        given = until
    return shares


def _windows(invoice: Record, size: str, now: datetime) -> list[tuple[datetime, datetime]]:
    length = WINDOWS[size]
    start, end = to_time(invoice.get("start_timestamp")), to_time(invoice.get("end_timestamp"))
    if start is None or end is None:
        issued_at = to_time(invoice["issued_at"])
        start = floor(issued_at, size)
        return [(start, start + length)] if issued_at <= now else []
    windows = []
    while start < end and start <= now:
        until = min(floor(start, size) + length, end)
        windows.append((start, until))
        start = until
    return windows


def _split_lines(lines: list[Record], starts: list[datetime], measure: Measure) -> list[Parts]:
    """Return the parts of every line, in the order of the lines."""
    split: dict[int, Parts] = {}
    due: dict[tuple[str | None, str], list[Decimal]] = {}
    for number, line in enumerate(lines):
        if line["type"] not in ("applied_commit_or_credit", "cpu_conversion"):
            split[number] = _split_charge(line, starts, measure)
            amounts = _totals(split[number])
            owed = due.setdefault(_paid_for(line), [Decimal(0)] * len(starts))
            owed[:] = [had + amount for had, amount in zip(owed, amounts, strict=True)]
    for number, line in enumerate(lines):
        if line["type"] == "applied_commit_or_credit":
            owed = due.setdefault(_paid_for(line), [Decimal(0)] * len(starts))
            split[number] = _with_totals(line, _drawn(-line["total"], owed))
    for number, line in enumerate(lines):
        if line["type"] == "cpu_conversion":
            split[number] = _split_conversion(line, lines, split, len(starts))
    return [split[number] for number in range(len(lines))]


def _split_charge(line: Record, starts: list[datetime], measure: Measure) -> Parts:
    if subs := line.get("sub_line_items"):
        columns = zip(*(_split_sub(sub, starts, measure) for sub in subs), strict=True)
        return [
            {
                **line,
                "sub_line_items": list(column),
                "total": total(sub["subtotal"] for sub in column),
            }
            for column in columns
        ]
    used = measure(line)
    if used is None:
        return [line] + [None] * (len(starts) - 1)
    quantities = spread(line["quantity"], [used.get(start, Decimal(0)) for start in starts])
    totals = _priced(quantities, line.get("unit_price"), line["total"])
    return [
        {**line, "quantity": plain(quantity), "total": amount}
        for quantity, amount in zip(quantities, totals, strict=True)
    ]


def _split_sub(sub: Record, starts: list[datetime], measure: Measure) -> list[Record]:
    used = measure(sub) or {}
    quantities = spread(sub["quantity"], [used.get(start, Decimal(0)) for start in starts])
    if "tiers" not in sub:
        totals = _priced(quantities, sub.get("price"), sub["subtotal"])
        return [
            {**sub, "quantity": plain(quantity), "subtotal": amount}
            for quantity, amount in zip(quantities, totals, strict=True)
        ]
    parts, before = [], Decimal(0)
    for quantity in quantities:
        tiers = _tiers(sub["tiers"], before, before + quantity)
        amount = total(tier["subtotal"] for tier in tiers)
        parts.append({**sub, "quantity": plain(quantity), "subtotal": amount, "tiers": tiers})
        before += quantity
    return parts


def _tiers(tiers: list[Record], start: Decimal, end: Decimal) -> list[Record]:
    """Price the units from `start` to `end` by tier."""
    found = []
    for tier in tiers:
        low, high = tier["starting_at"], tier["starting_at"] + tier["quantity"]
        inside = min(end, high) - max(start, low)
        if inside > 0:
            subtotal = plain(inside * tier["price"])
            found.append({**tier, "quantity": plain(inside), "subtotal": subtotal})
    return found


def _split_conversion(
    line: Record, lines: list[Record], split: dict[int, Parts], count: int
) -> Parts:
    unit_id = line["credit_type"]["id"]
    weights = [Decimal(0)] * count
    for number, parts in split.items():
        if lines[number]["credit_type"]["id"] != unit_id:
            amounts = _totals(parts)
            weights = [had + amount for had, amount in zip(weights, amounts, strict=True)]
    quantities = spread(line["quantity"], weights)
    totals = _priced(quantities, line.get("unit_price"), line["total"])
    return [
        {**line, "quantity": plain(quantity), "total": amount} if amount else None
        for quantity, amount in zip(quantities, totals, strict=True)
    ]


def _split_adjustments(invoice: Record, lines: list[Parts], count: int) -> list[Parts] | None:
    """Split a plan invoice's minimum (first window) and credit grants (as they are drawn)."""
    if "invoice_adjustments" not in invoice:
        return None
    owed = [total(parts[number]["total"] for parts in lines) for number in range(count)]
    split: list[Parts] = []
    for adjustment in invoice["invoice_adjustments"]:
        if adjustment["total"] < 0:
            split.append(_with_totals(adjustment, _drawn(-adjustment["total"], owed)))
        else:
            owed[0] += adjustment["total"]
            split.append([adjustment] + [None] * (count - 1))
    return split


def _drawn(amount: Decimal, owed: list[Decimal]) -> list[Decimal]:
    """Pay `owed` from the first window on, and reduce it. The last window takes the rest."""
    paid = []
    for number, due in enumerate(owed):
        taken = amount if number == len(owed) - 1 else min(amount, max(due, Decimal(0)))
        owed[number] -= taken
        amount -= taken
        paid.append(plain(-taken))
    return paid


def _with_totals(record: Record, totals: list[Decimal]) -> Parts:
    return [{**record, "total": amount} if amount else None for amount in totals]


def _priced(quantities: list[Decimal], price: Decimal | None, whole: Decimal) -> list[Decimal]:
    if price is not None and total(quantities) * price == whole:
        return [plain(quantity * price) for quantity in quantities]
    return spread(whole, quantities)


def _paid_for(line: Record) -> tuple[str | None, str]:
    """Return the key of the charges that an application pays: product and unit."""
    return line.get("product_id"), line["credit_type"]["id"]


def _totals(parts: Parts) -> list[Decimal]:
    return [part["total"] if part else Decimal(0) for part in parts]


def _joined_subs(subs: list[Record]) -> Record:
    whole = {**subs[0], "quantity": total(sub["quantity"] for sub in subs)}
    whole["subtotal"] = total(sub["subtotal"] for sub in subs)
    if "tiers" in whole:
        tiers: dict[Decimal, Record] = {}
        for tier in (tier for sub in subs for tier in sub["tiers"]):
            had = tiers.get(tier["starting_at"], {"quantity": Decimal(0), "subtotal": Decimal(0)})
            sums = {key: plain(had[key] + tier[key]) for key in ("quantity", "subtotal")}
            tiers[tier["starting_at"]] = {**tier, **sums}
        whole["tiers"] = list(tiers.values())
    return whole
