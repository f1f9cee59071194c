"""Assemble the list of invoices and one document per invoice."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from typing import Any

from pages import formats
from pages.queries import Row
from pages.rendering import render

APPLIED = "applied_commit_or_credit"


def invoice_list(
    rows: list[Row], all_rows: int, documents: set[str], pdfs: set[str], run: dict[str, Any]
) -> str:
    """Return `invoices.html`: the invoices a reader asks for first, by customer.

    Args:
        rows: Invoices to list.
        all_rows: How many invoices there are.
        documents: Ids of the invoices that have a document in the set.
        pdfs: Ids of the invoices that have a PDF, too.
        run: Content of `run.json`.
    """
    first_of_customer = {}
    for row in rows:
        first_of_customer.setdefault(row["customer_id"], row["invoice_id"])
    return render(
        "invoices.html",
        rows=rows,
        all_rows=all_rows,
        documents=documents,
        pdfs=pdfs,
        first_of_customer=first_of_customer,
        run=run,
    )


def has_document(invoice: Row) -> bool:
    """Return whether an invoice can be shown: DRAFT_INCOMPLETE has no total and no lines yet."""
    return invoice["total_amount"] is not None


def with_tiers(lines: list[Row], tiers: dict[str, list[Row]]) -> list[Row]:
    """Add `tiers` to lines: the price tiers of each.

    A line in one tier has that tier's price and no tiers. Tiers are rounded one by one:
    `tiers_rounding` is what they lack to the rounded line. `tiers_unexplained` is what the exact
    tiers lack to the exact line.
    """
    found = []
    for line in lines:
        of_line = tiers.get(line["invoice_line_id"], [])
        if len(of_line) == 1:
            line, of_line = line | {"unit_price": of_line[0]["unit_price"]}, []
        found.append(
            line
            | {
                "tiers": of_line,
                "tiers_rounding": rounding(line["amount"], of_line, line["pricing_unit"]),
                "tiers_unexplained": line["amount"] - _exact(of_line) if of_line else Decimal(0),
            }
        )
    return found


def rounding(total: Decimal, parts: list[Row], unit: str) -> Decimal:
    """Return what the rounded parts of a total lack to the rounded total.

    0 if there are no parts, or if the exact parts do not add up to the exact total.
    """
    if not parts or total != _exact(parts):
        return Decimal(0)
    return formats.rounded(total, formats.minor_digits(unit)) - _shown(parts, unit)


def invoice_document(invoice: Row, lines: list[Row], seller: str, documents: set[str]) -> str:
    """Return the document of an invoice as HTML, to read, print or send.

    Lines are rounded one by one. Where the rounded lines do not add up to the rounded total, the
    difference is a line of its own.

    Args:
        invoice: The invoice.
        lines: Its lines, from `with_tiers`.
        seller: Name of the seller and, on further lines, its address; may be empty.
        documents: Ids of the invoices that have a document in the set.
    """
    unit = invoice["pricing_unit"]
    counted = [line for line in lines if line["is_in_invoice_total"]]
    others = [line for line in lines if not line["is_in_invoice_total"]]
    charges = [line for line in counted if line["line_kind"] != APPLIED]
    applied = [line for line in counted if line["line_kind"] == APPLIED]
    unexplained = invoice["total_amount"] - _exact(counted) if lines else Decimal(0)
    seller_name, *address = [line.strip() for line in seller.splitlines() if line.strip()] or [""]
    return render(
        "invoice.html",
        invoice=invoice,
        documents=documents,
        seller_name=seller_name,
        seller_address=address,
        groups=_by_product(charges, unit),
        credits=applied,
        other_units=[
            {"unit": other, "groups": _by_product(of_unit, other)}
            for other, of_unit in _by(others, "pricing_unit")
            if other != unit
        ],
        not_deducted=[line for line in others if line["pricing_unit"] == unit],
        charges_exact=_exact(charges),
        charges_shown=_shown(charges, unit),
        credits_exact=_exact(applied),
        credits_shown=_shown(applied, unit),
        rounding=rounding(invoice["total_amount"], counted, unit),
        unexplained=unexplained,
        lines=lines,
    )


def _by_product(lines: list[Row], unit: str) -> list[dict[str, Any]]:
    """Group lines by product in the invoice's order, with sums of the lines as they are shown."""
    return [
        {
            "name": of_product[0]["product_name"],
            "kind": of_product[0]["line_kind"],
            "lines": of_product,
            "exact": _exact(of_product),
            "shown": _shown(of_product, unit),
        }
        for _, of_product in _by(lines, "product_id", "product_name")
    ]


def _by(lines: list[Row], *columns: str) -> Iterable[tuple[Any, list[Row]]]:
    """Group lines by columns, in the order in which the groups begin."""
    keys = [tuple(line[column] for column in columns) for line in lines]
    first = {key: keys.index(key) for key in dict.fromkeys(keys)}
    ordered = sorted(zip(keys, lines, strict=True), key=lambda pair: first[pair[0]])
    for key, pairs in groupby(ordered, key=lambda pair: pair[0]):
        yield key if len(columns) > 1 else key[0], [line for _, line in pairs]


def _exact(lines: list[Row]) -> Decimal:
    return sum((line["amount"] for line in lines), Decimal(0))


def _shown(lines: list[Row], unit: str) -> Decimal:
    digits = formats.minor_digits(unit)
    return sum((formats.rounded(line["amount"], digits) for line in lines), Decimal(0))
