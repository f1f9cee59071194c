"""Assemble `index.html`, the front page of a set of reports."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import duckdb

from pages import charts, formats, queries, sources
from pages.invoices import rounding, with_tiers
from pages.queries import Row
from pages.rendering import render

CUSTOMERS = 200
CREDITS = 60
PLANS = 25
MONTHS = 12
UNITS_DRAWN = 4
COMMITS = 20
COMMITS_DRAWN = 6
LEDGER_ENTRIES = 12
USAGE_VALUES = 50
USAGE_DAYS = 62
MONTH_INVOICES = 60
LINES = 200
DIFFERENCES = 30

SOON_DAYS, VERY_SOON_DAYS = 30, 14
"""Credit that ends within so many days is marked."""

TERMS = {
    "outstanding": ("Outstanding", "rpt_customer_summary", "outstanding_balance"),
    "overdue": ("Overdue", "rpt_customer_summary", "overdue_balance"),
    "current_invoice": ("Current invoice", "rpt_customer_summary", "current_invoice_id"),
    "invoice_balance": ("Invoice balance", "rpt_customer_summary", "invoice_balance"),
    "credit_balance": ("Credit balance", "rpt_customer_summary", "credit_balance"),
    "credit_expiring_30d": ("Credit expiring", "rpt_customer_summary", "credit_expiring_30d"),
    "credit_burned": ("Credit burned", "rpt_customer_summary", "credit_burned_30d"),
    "credit_days_left": ("Credit days left", "rpt_customer_summary", "credit_days_left"),
    "billed": ("Billed", "rpt_billings_by_plan", "billed_amount"),
    "billing_month": ("Billing month", "rpt_billings_by_plan", "month"),
    "plan": ("Plan", "rpt_billings_by_plan", "plan_id"),
    "pricing_unit": ("Pricing unit", "rpt_billings_by_plan", "pricing_unit"),
    "ageing": ("Ageing", "rpt_invoice_register", "ageing_bucket"),
    "recognized": ("Recognized revenue", "rpt_revenue_by_month", "recognized"),
    "accrued": ("Accrued revenue", "rpt_revenue_by_month", "accrued"),
    "line_kind": ("Kind of a line", "rpt_invoice_lines", "line_kind"),
    "unit_price": ("Unit price", "rpt_invoice_lines", "unit_price"),
    "as_of": ("As of", "rpt_customer_summary", "as_of"),
}
"""The terms that the page explains: label, and the table and column whose description they show."""

EVERY_AMOUNT = "In the major unit of the row's pricing unit, such as dollars. Exact, never rounded."
"""The last sentences of each amount's description (`doc('amount')`). The page states them once."""


def front_page(
    connection: duckdb.DuckDBPyConnection,
    run: dict[str, Any],
    documents: set[str],
    listed: set[str],
) -> str:
    """Return the page as HTML.

    Args:
        connection: An open DuckDB connection in UTC.
        run: Content of `run.json`; what it lacks is left out of the page.
        documents: Ids of the invoices that have a document in the set.
        listed: Ids of the customers that `invoices.html` lists.
    """
    parameters = queries.run.parameters(connection)
    counts = queries.customers.counts(connection)
    no_due_date = queries.customers.without_due_date(connection)
    reasons = {fact: sources.reason(run, fact) for fact in sources.FACTS}
    if no_due_date:
        invoices = formats.plural(no_due_date, "outstanding invoice")
        reasons["terms"] = f"No payment terms are known for {invoices}. {reasons['terms']}"
    billings = _billings(queries.billings.by_plan(connection), parameters["month"])
    units = _units(queries.customers.totals(connection), billings)
    credit = queries.credit.running_out(connection, CREDITS)
    checks = queries.reconciliation.checks(connection)
    customers = queries.customers.summary(connection, CUSTOMERS)
    differing = sum(row["different"] + row["only_in_one"] for row in checks)
    return render(
        "index.html",
        parameters=parameters,
        run=run,
        tests=run.get("tests", {"outcomes": {}, "warnings": []}),
        documents=documents,
        listed=listed,
        month_before=_month_before(parameters["month"]),
        units=units,
        counts=counts,
        reasons=reasons,
        customers=customers,
        ageing=queries.customers.ageing(connection),
        soon=SOON_DAYS,
        very_soon=VERY_SOON_DAYS,
        credit=credit,
        ending=[row for row in credit if row["days"] is not None and row["days"] <= VERY_SOON_DAYS],
        commits=_commits(connection, parameters),
        billings=billings,
        revenue=_revenue(connection),
        usage=_usage(connection, parameters),
        month_invoices=_month_invoices(connection),
        asked_balances=queries.customers.one(connection, parameters["customer_id"] or ""),
        checks=checks,
        differing=differing,
        differences=(
            queries.reconciliation.differences(connection, DIFFERENCES) if differing else []
        ),
        coverage=sources.coverage(run),
        terms=_terms(queries.run.descriptions(connection)),
        reports=[
            {**row, "description": row["description"] or ""}
            for row in queries.run.reports(connection)
        ],
    )


def _terms(descriptions: dict[tuple[str, str], str]) -> list[dict[str, Any]]:
    """Return the terms: the first paragraph of each description, and the rest as `more`."""
    every_amount = r"\s*" + r"\s+".join(re.escape(word) for word in EVERY_AMOUNT.split())
    found = []
    for key, (label, table, column) in TERMS.items():
        if (table, column) in descriptions:
            text = re.sub(every_amount, "", descriptions[table, column])
            # the label stands above the text
            first, _, more = text.strip().removeprefix(f"{label}: ").partition("\n\n")
            found.append(
                {
                    "key": key,
                    "label": label,
                    "text": formats.definition(first[:1].upper() + first[1:]),
                    "more": formats.definition(more) if more.strip() else "",
                }
            )
    return found


def _units(totals: list[Row], billings: list[dict[str, Any]]) -> list[Row]:
    """Join the totals of each pricing unit with what the unit billed in the month and before."""
    billed = {unit["unit"]: unit for unit in billings}
    found = []
    for row in totals:
        unit = billed.get(row["pricing_unit"])
        now = unit["this_month"] if unit else Decimal(0)
        before = unit["month_before"] if unit else Decimal(0)
        change = (now - before) / before * 100 if before > 0 else None
        # a percentage of a very small month misleads
        change = change if change is not None and change < 1000 else None
        found.append({**row, "billed": now, "billed_before": before, "change": change})
    return found


def _billings(rows: list[Row], month: str) -> list[dict[str, Any]]:
    """Pivot billings for each pricing unit: plans by months, the largest plan first."""
    found = []
    for unit, of_unit in groupby(rows, key=lambda row: row["pricing_unit"]):
        billed = list(of_unit)
        plans = _series(
            (row["plan_id"] or row["plan_name"] or "", row["plan_name"], row["billed_amount"])
            for row in billed
        )
        months = sorted({row["month"] for row in billed} | {month})[-MONTHS:]
        lines: dict[str, dict[str, Any]] = {}
        for row in billed:
            key = row["plan_id"] or row["plan_name"] or ""
            line = lines.setdefault(
                key, {"plan_name": row["plan_name"], "plan_kind": row["plan_kind"], "key": key}
            )
            line[row["month"]] = line.get(row["month"], Decimal(0)) + row["billed_amount"]
            if row["month"] == month:
                line["invoices"] = line.get("invoices", 0) + row["invoices"]
        ordered = sorted(
            lines.values(),
            key=lambda line: (
                -line.get(month, 0),
                -sum(line.get(m, 0) for m in months),
                line["plan_name"] or "",
                line["key"],
            ),
        )
        totals = {m: sum((line.get(m, Decimal(0)) for line in ordered), Decimal(0)) for m in months}
        rest = ordered[PLANS:]
        found.append(
            {
                "unit": unit,
                "months": months,
                "lines": ordered[:PLANS],
                "rest": {
                    "plans": len(rest),
                    "invoices": sum(line.get("invoices", 0) for line in rest),
                    **{
                        m: sum((line.get(m, Decimal(0)) for line in rest), Decimal(0))
                        for m in months
                    },
                },
                "totals": totals,
                "invoices": sum(line.get("invoices", 0) for line in ordered),
                "this_month": totals.get(month, Decimal(0)),
                "month_before": totals.get(_month_before(month), Decimal(0)),
                "drawn": [
                    {
                        "month": m,
                        "x": _short_month(m),
                        "y": float(line[m]),
                        "series": plans["label"][line["key"]],
                        "place": plans["place"][line["key"]],
                    }
                    for line in ordered
                    for m in months
                    if line.get(m)
                ],
                "legend": plans["legend"],
            }
        )
    found.sort(key=lambda unit: (-unit["invoices"], unit["unit"]))
    for place, unit in enumerate(found):
        is_drawn = place < UNITS_DRAWN and unit["drawn"]
        unit["chart"] = is_drawn and charts.stacked_bars(
            sorted(unit["drawn"], key=lambda part: unit["months"].index(part["month"])),
            unit["legend"],
            f"Billed by plan and month in {unit['unit']}; the table below has the figures",
        )
    return found


def _series(parts: Iterable[tuple[str, str | None, Decimal]]) -> dict[str, Any]:
    """Give each of the eight largest keys a colour, and all other keys the same colour."""
    sizes: dict[str, Decimal] = {}
    names: dict[str, str] = {}
    for key, label, amount in parts:
        sizes[key] = sizes.get(key, Decimal(0)) + abs(amount)
        names[key] = formats.text_line(label) or "no plan"
    ordered = sorted(sizes, key=lambda key: (-sizes[key], names[key], key))
    legend: list[str] = []
    label_of: dict[str, str] = {}
    for place, key in enumerate(ordered):
        label = names[key]
        if place >= charts.COLOURS:
            label = "other plans"
        elif label in legend:
            label = f"{label} ({key[:8]})"
        label_of[key] = label
        if label not in legend:
            legend.append(label)
    return {
        "legend": legend,
        "label": label_of,
        "place": {key: legend.index(label) for key, label in label_of.items()},
    }


REVENUE_KINDS = (
    *("on_demand", "subscription", "scheduled", "prepaid_drawdown", "credit_drawdown"),
    *("adjustment", "postpaid_drawdown", "commit_expiry", "true_up", "commit_purchase"),
)
"""The kinds of revenue in the order of the page; the first eight have a colour of their own."""


def _revenue(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Pivot revenue for each pricing unit: kinds by months, then what is accrued."""
    rows = queries.billings.revenue(connection)
    units = sorted(
        {row["pricing_unit"] for row in rows},
        key=lambda unit: (-sum(row["pricing_unit"] == unit for row in rows), unit),
    )
    snapshot = rows[0]["accrued_on"] if rows else None
    found = []
    for unit in units:
        of_unit = [row for row in rows if row["pricing_unit"] == unit]
        earned = {row["month"] for row in of_unit if row["recognized"] or row["billed"]}
        months = sorted(earned)[-MONTHS:]
        lines: dict[str, dict[str, Any]] = {}
        billed = dict.fromkeys(months, Decimal(0))
        for row in of_unit:
            line = lines.setdefault(row["revenue_kind"], {"kind": row["revenue_kind"]})
            line[row["month"]] = line.get(row["month"], Decimal(0)) + row["recognized"]
            line["accrued"] = line.get("accrued", Decimal(0)) + (row["accrued"] or 0)
            if row["month"] in billed:
                billed[row["month"]] += row["billed"]
        ordered = [
            lines[kind]
            for kind in [*REVENUE_KINDS, *sorted(set(lines) - set(REVENUE_KINDS))]
            if kind in lines and any(value for key, value in lines[kind].items() if key != "kind")
        ]
        recognized = {m: sum((li.get(m, Decimal(0)) for li in ordered), Decimal(0)) for m in months}
        total = sum((line.get("accrued", Decimal(0)) for line in ordered), Decimal(0))
        drawn = [
            {
                "x": _short_month(m),
                "y": float(line[m]),
                "series": formats.words(line["kind"]),
                "place": place,
            }
            for m in months
            for place, line in enumerate(ordered)
            if line.get(m)
        ]
        found.append(
            {
                "unit": unit,
                "months": months,
                "lines": ordered,
                "recognized": recognized,
                "billed": billed,
                "accrued": total if snapshot else None,
                "snapshot": snapshot,
                "kinds": [
                    (kind, _kind_colour(line["kind"]))
                    for line in ordered
                    if (kind := formats.words(line["kind"])) in {part["series"] for part in drawn}
                ],
                "chart": charts.stacked_bars(
                    drawn,
                    [formats.words(line["kind"]) for line in ordered],
                    f"Recognized revenue by kind and month in {unit}; the table has the figures",
                    [_kind_colour(line["kind"]) for line in ordered],
                )
                if drawn and len(found) < UNITS_DRAWN
                else None,
            }
        )
    return found


def _kind_colour(kind: str) -> int:
    """Return the number of a kind's colour, the same in every pricing unit."""
    place = REVENUE_KINDS.index(kind) if kind in REVENUE_KINDS else charts.COLOURS
    return place + 1 if place < charts.COLOURS else 0


def _usage(connection: duckdb.DuckDBPyConnection, parameters: Row) -> dict[str, Any]:
    """Describe usage by property: values, the days drawn, and what there is if there is none."""
    rows = queries.usage.by_value(connection, USAGE_VALUES)
    found: dict[str, Any] = {"rows": rows, "first": None, "last": None, "chart": None, "legend": []}
    if not rows:
        found["first"], found["last"] = queries.usage.first_and_last_event(connection)
        return found
    legend: list[str] = []
    label_of = {}
    for place, row in enumerate(rows):
        label = formats.text_line(row["property_value"]) or "(none)"
        label_of[row["property_value"]] = label if place < charts.COLOURS else "other values"
        if label_of[row["property_value"]] not in legend:
            legend.append(label_of[row["property_value"]])
    start, end = parameters["usage_from"], parameters["usage_to"]
    days: dict[tuple[date, str], Decimal] = {}
    for row in queries.usage.by_day(connection):
        label = label_of.get(row["property_value"], "other values")
        if label not in legend:
            legend.append(label)
        key = row["event_date"], label
        days[key] = days.get(key, Decimal(0)) + row["quantity"]
    span = (end - start).days + 1
    drawn = [
        {"x": day.isoformat(), "y": float(y), "series": label, "place": legend.index(label)}
        for (day, label), y in sorted(days.items())
    ]
    for offset in range(span if span <= 400 else 0):
        day = start + timedelta(days=offset)
        drawn.append({"x": day.isoformat(), "y": 0, "series": legend[0], "place": 0})
    by_day = _usage_by_day(days, legend)
    found["days"], found["all_days"] = by_day[-USAGE_DAYS:], len(by_day)
    found["legend"] = legend
    found["chart"] = charts.stacked_days(
        drawn,
        legend,
        f"Quantity per day by {rows[0]['property_name']}, {start} to {end}; the table has the sums",
    )
    return found


def _usage_by_day(days: dict[tuple[date, str], Decimal], legend: list[str]) -> list[Row]:
    """Pivot quantities: days by values, with the sum of each day and of all days up to it."""
    since = Decimal(0)
    rows = []
    for day in sorted({day for day, _ in days}):
        values = [days.get((day, label), Decimal(0)) for label in legend]
        since += sum(values)
        rows.append({"day": day, "values": values, "all": sum(values), "since": since})
    return rows


def _commits(connection: duckdb.DuckDBPyConnection, parameters: Row) -> dict[str, Any]:
    """Describe the commits and credits in use, with charts and ledgers of the largest ones."""
    rows = queries.credit.commits(connection, COMMITS)
    largest = [row for row in rows if row["granted_amount"]][:COMMITS_DRAWN]
    largest.sort(key=lambda row: row["pricing_unit"])
    entries: dict[str, list[Row]] = {}
    for entry in queries.credit.ledger(connection, [row["balance_id"] for row in largest]):
        entries.setdefault(entry["balance_id"], []).append(entry)
    drawn = [row for row in largest if row["balance_id"] in entries]
    ledger = [
        {**entry, "customer_name": row["customer_name"]}
        for row in drawn
        for entry in entries[row["balance_id"]][-LEDGER_ENTRIES:]
    ]
    return {
        "rows": rows,
        "figures": [
            {
                **row,
                "chart": charts.burn_down(
                    entries[row["balance_id"]],
                    parameters["as_of"],
                    row["next_expiry_at"],
                    f"Balance of a commit or credit over time in {row['pricing_unit']}; "
                    "the table of ledger entries has the figures",
                ),
            }
            for row in drawn
        ],
        "all": rows[0]["all_rows"] if rows else 0,
        "ledger": ledger,
        "all_entries": sum(map(len, entries.values())),
    }


def _month_invoices(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return the month's invoices, with their lines where one customer was asked for."""
    rows = queries.invoices.of_month(connection, MONTH_INVOICES)
    few = [row["invoice_id"] for row in rows[:6]] if rows and rows[0]["all_rows"] <= 6 else []
    lines = queries.invoices.lines(connection, few)
    tiers = queries.invoices.tiers(connection, few)
    return {
        "rows": rows,
        "all": rows[0]["all_rows"] if rows else 0,
        "lines": {key: with_tiers(of_invoice[:LINES], tiers) for key, of_invoice in lines.items()},
        "rounding": {
            row["invoice_id"]: rounding(
                row["total_amount"],
                [line for line in lines.get(row["invoice_id"], []) if line["is_in_invoice_total"]],
                row["pricing_unit"],
            )
            for row in rows
        },
    }


def _month_before(month: str) -> str:
    return (date.fromisoformat(f"{month}-01") - timedelta(days=1)).isoformat()[:7]


def _short_month(month: str) -> str:
    return f"{formats.MONTHS[int(month[5:7]) - 1]} {month[2:4]}"
