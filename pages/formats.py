"""Format exact figures for display: amounts, quantities, dates and texts as HTML.

A figure is rounded for display only. The exact one, as the CSVs write it, is the `value` of its
`<data>` element and, where the two differ, its title.
"""

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache
from typing import Any

from babel.numbers import get_currency_precision, list_currencies
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

CUSTOM_UNIT_DIGITS = 2
"""Decimals of an amount in a unit that the account made up."""

QUANTITY_DIGITS = 6
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

_markdown = MarkdownIt("commonmark", {"html": False}).disable(["link", "image", "autolink"])


@cache
def minor_digits(unit: str | None) -> int:
    """Return the decimals of a pricing unit: 2 for USD, 0 for JPY, 2 for a custom unit."""
    known = unit is not None and unit in list_currencies()
    return get_currency_precision(unit) if known else CUSTOM_UNIT_DIGITS


def exact(number: Decimal | int) -> str:
    """Write a number as the CSVs do: `8101.27205`. It has no trailing zeros and no exponent."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded(amount: Decimal, digits: int) -> Decimal:
    """Round half to even at a number of decimals; never minus zero."""
    with localcontext() as context:
        context.prec = 60
        result = amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return result if result else abs(result)


def plain_amount(amount: Decimal, unit: str | None) -> str:
    """Write a rounded amount as text: `13,365.66`."""
    return f"{rounded(amount, minor_digits(unit)):,f}"


def money(amount: Decimal | None, unit: str | None, shown: Decimal | None = None) -> Markup:
    """Write an amount as a `<data>` element; None is "unknown".

    Args:
        amount: Exact amount in the major unit.
        unit: Pricing unit, which decides the decimals.
        shown: What to display in place of the rounded amount, such as a sum of rounded lines.
    """
    if amount is None:
        return unknown()
    text = plain_amount(amount if shown is None else shown, unit)
    zero = Markup(' class="zero"') if not amount else ""
    value = exact(amount)
    title = (
        Markup(' title="{}"').format(f"{value} {unit or ''}".strip())
        if Decimal(text.replace(",", "")) != amount
        else ""
    )
    return Markup('<data value="{}"{}{}>{}</data>').format(value, title, zero, text)


def quantity(number: Decimal | None, nothing: str = "unknown") -> Markup:
    """Write a quantity or unit price as a `<data>` element, with at most six decimals.

    A number below one keeps its first six significant digits, so that a small price is not 0.
    """
    if number is None:
        return unknown() if nothing == "unknown" else Markup(escape(nothing))
    digits = QUANTITY_DIGITS
    if number and abs(number) < 1:
        digits = max(digits, QUANTITY_DIGITS - 1 - number.adjusted())
    near = rounded(number, min(digits, 20))
    whole, _, decimals = f"{near:f}".partition(".")
    decimals = decimals.rstrip("0")
    text = f"{int(whole):,}" if whole not in ("-0", "") else "-0"
    text = f"{text}.{decimals}" if decimals else text
    value = exact(number)
    title = Markup(' title="{}"').format(value) if near != number else ""
    return Markup('<data value="{}"{}>{}</data>').format(value, title, text)


def price(number: Decimal | None, unit: str | None) -> Markup:
    """Write a unit price with at least the unit's decimals: `30.00`, `0.0425`."""
    if number is None:
        return unknown("No source states it, and no exact price gives the amount.")
    digits = minor_digits(unit)
    if rounded(number, digits) == number:
        return Markup('<data value="{}">{}</data>').format(exact(number), f"{number:,.{digits}f}")
    return quantity(number)


def tier(row: dict[str, Any]) -> str:
    """Write which units a price tier is for: `First 20,000`, `20,000 to 50,000`, `Over 50,000`."""
    start, end = (
        None if number is None else f"{number.normalize():,f}"
        for number in (row["starting_quantity"], row["next_quantity"])
    )
    if start is None:
        return f"Tier {row['tier_number']}"
    if end is None:
        return "From the first unit" if start == "0" else f"Over {start}"
    return f"First {end}" if start == "0" else f"{start} to {end}"


def count(number: int | None) -> Markup:
    """Write a count; None is "unknown"."""
    if number is None:
        return unknown()
    zero = Markup(' class="zero"') if not number else ""
    return Markup('<data value="{}"{}>{}</data>').format(number, zero, f"{number:,}")


def unknown(reason: str = "") -> Markup:
    """Write that a figure is not known, and why."""
    title = Markup(' title="{}"').format(reason) if reason else ""
    return Markup('<span class="unknown"{}>unknown</span>').format(title)


def day(value: date | datetime | None) -> Markup:
    """Write a UTC day as a `<time>` element: `3 Mar 2024`; nothing for None."""
    if value is None:
        return Markup()
    day_of = value.astimezone(UTC).date() if isinstance(value, datetime) else value
    return Markup('<time datetime="{}">{}</time>').format(iso(value), plain_day(day_of))


def plain_day(value: date) -> str:
    """Write a day as text: `3 Mar 2024`."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def from_iso(text: str | None) -> datetime | None:
    """Read an instant as `run.json` has it; None for none."""
    return datetime.fromisoformat(text) if text else None


def decimal(number: int) -> Decimal:
    """Return a whole number as an exact amount."""
    return Decimal(number)


def last_day(end: datetime | None) -> Markup:
    """Write the last day of a half-open period: of its end at midnight, the day before."""
    if end is None:
        return Markup()
    return day(datetime.fromtimestamp(end.timestamp() - 1, UTC).date())


def period(start: datetime | None, end: datetime | None) -> Markup:
    """Write a half-open period by its first and last day: `Mar 2024` for a whole month."""
    if start is None or end is None:
        return Markup()
    first, last = start.astimezone(UTC), datetime.fromtimestamp(end.timestamp() - 1, UTC)
    after = end.astimezone(UTC)
    if (first.day, after.day) == (1, 1) and (last.year, last.month) == (first.year, first.month):
        return Markup('<time datetime="{}">{} {}</time>').format(
            f"{first:%Y-%m}", MONTHS[first.month - 1], first.year
        )
    if first.date() == last.date():
        return day(first)
    if first.year == last.year:
        start_of = f"{first.day} {MONTHS[first.month - 1]}"
        return Markup('<time datetime="{}">{}</time> – {}').format(
            iso(first.date()), start_of, day(last.date())
        )
    return Markup("{} – {}").format(day(first), day(last.date()))


PROVIDERS = {
    "stripe": "Stripe",
    "netsuite": "NetSuite",
    "aws_marketplace": "AWS Marketplace",
    "azure_marketplace": "Azure Marketplace",
    "gcp_marketplace": "GCP Marketplace",
    "quickbooks_online": "QuickBooks Online",
    "workday": "Workday",
}


def provider(code: str | None) -> str:
    """Write a billing provider as it writes itself: `stripe` as Stripe."""
    if not code:
        return "the billing provider"
    return PROVIDERS.get(code.lower(), words(code))


def instant(value: datetime | None) -> Markup:
    """Write an instant: its UTC day, and its time unless that is midnight."""
    if value is None:
        return Markup()
    utc = value.astimezone(UTC)
    at = f", {utc:%H:%M} UTC" if (utc.hour, utc.minute, utc.second) != (0, 0, 0) else ""
    return Markup('<time datetime="{}">{}{}</time>').format(iso(utc), plain_day(utc.date()), at)


def iso(value: date | datetime | None) -> str:
    """Write a day or an instant as the CSVs do; empty for None."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if value else ""


def month_name(month: str) -> str:
    """Write a month `2024-03` as `Mar 2024`."""
    year, number = month.split("-")
    return f"{MONTHS[int(number) - 1]} {int(year)}"


def text_line(text: str | None) -> str:
    """Make one line of a text.

    Control characters, which no reader sees, become blanks. Characters that override the direction
    of a text, which would show another name, become `�`.
    """
    line = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text or "").strip()
    return re.sub(r"[\u202d\u202e]", "\ufffd", line)


def name(text: str | None, nothing: str = "(no name)") -> Markup:
    """Write a name of the data, whose direction does not affect what stands around it."""
    line = text_line(text)
    if not line:
        return Markup('<span class="note">{}</span>').format(nothing)
    return Markup("<bdi>{}</bdi>").format(line)


def words(text: str | None) -> str:
    """Write a code as words: `prepaid_drawdown` as `prepaid drawdown`, `PAST_DUE` as `past due`."""
    return text_line(text).replace("_", " ").lower()


def entry(entry_type: str | None, reason: str | None) -> Markup:
    """Write what an entry of a ledger is: its type, and the reason that someone stated.

    `PREPAID_COMMIT_SEGMENT_START` is `segment start`. An entry of a credit grant has a reason only.
    """
    kind = words(re.sub(r"^(PREPAID_COMMIT|POSTPAID_COMMIT|CREDIT|GRANT)_", "", entry_type or ""))
    if not reason:
        return name(kind)
    if (entry_type or "").startswith("GRANT_"):
        return name(reason)
    return Markup('{} <span class="note">{}</span>').format(name(kind), name(reason))


def definition(text: str) -> Markup:
    """Render a description of the docs, which is Markdown, without links or raw HTML."""
    return Markup(_markdown.render(text))


def file_name(key: str) -> str:
    """Return a file name for an id: the id itself if it is safe in a path, else an escaped form."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: f".{ord(found[0]):x}", key)[:200]


def plural(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 invoice`, `2,300 invoices`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
