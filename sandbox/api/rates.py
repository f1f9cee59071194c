"""Select the rates of a rate card, and apply a contract's overrides."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.core.records import Record, plain, to_time


def contract_rates(rates: list[Record], contract: Record, at: datetime) -> list[Record]:
    """Return the rates of a contract: the rate card's, or an override's where one applies."""
    rows = []
    for rate in rates:
        row = {key: value for key, value in rate.items() if key != "rate"}
        row |= {"rate_card_id": contract["rate_card_id"], "list_rate": rate["rate"]}
        for override in contract["overrides"]:
            if _applies(override, rate, at):
                row["override_rate"] = _overridden(rate["rate"], override)
        rows.append(row)
    return rows


def chosen(rates: list[Record], selectors: list[Record] | None) -> list[Record]:
    """Return the rates that match any of the selectors, or all without selectors."""
    if not selectors:
        return rates
    return [rate for rate in rates if any(_matches(rate, selector) for selector in selectors)]


def _matches(rate: Record, selector: Record) -> bool:
    values = rate.get("pricing_group_values", {})
    return (
        selector.get("product_id") in (None, rate["product_id"])
        and selector.get("billing_frequency") in (None, rate.get("billing_frequency"))
        and set(selector.get("product_tags", [])) <= set(rate["product_tags"])
        and selector.get("pricing_group_values", values) == values
        and selector.get("partial_pricing_group_values", {}).items() <= values.items()
    )


def _applies(override: Record, rate: Record, at: datetime) -> bool:
    start, end = to_time(override["starting_at"]), to_time(override.get("ending_before"))
    targets: list[dict[str, Any]] = list(override.get("override_specifiers", []))
    if "product" in override:
        targets.append({"product_id": override["product"]["id"]})
    if "applicable_product_tags" in override:
        targets.append({"product_tags": override["applicable_product_tags"]})
    return (
        start <= at
        and (end is None or at < end)
        and any(_matches(rate, target) for target in targets)
    )


def _overridden(rate: Record, override: Record) -> Record:
    if "overwrite_rate" in override:
        return {**rate, **override["overwrite_rate"]}
    multiplier = Decimal(override.get("multiplier", 1))
    return {**rate, "price": plain(rate["price"] * multiplier)}
