"""Show rows of the marts in the app: exact figures, texts as text, charts as SVG."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import marimo as mo
from markupsafe import Markup

from explore.queries import Row
from pages import charts, formats, queries

STYLE = Markup(
    """<style>
.explore { --muted: #7a8594; --line: #8a95a355; overflow: auto; max-height: 26rem;
  --c1: #2f6bd8; --c2: #159f8c; --c3: #e59a1f; --c4: #8a5bd6; --c5: #d5496c; --c6: #55aee6;
  --c7: #7c9a35; --c8: #b56a35; --c0: #a5afbb; }
.explore.charts { display: flex; flex-wrap: wrap; gap: 1.5rem; max-height: none; }
.explore figure { margin: 0; width: 270px; overflow-wrap: anywhere; }
.explore svg { max-width: 100%; height: auto; }
.explore table { font-size: .85rem; }
.explore th, .explore td { padding: .2rem .7rem .2rem 0; text-align: left; }
.explore td.figure { text-align: right; white-space: nowrap; }
.explore td.null { color: var(--muted); }
</style>"""
)
"""The look of tables and charts. The colours of charts are CSS variables."""

TABLE = Markup(
    '<div class="explore"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
)
NAME_LENGTH = 60
BALANCES_DRAWN = 12


def option(row: Row) -> str:
    """Return the text of a customer in the list. Names repeat, so it ends with the id."""
    name = one_line(row["customer_name"])
    return f"{name} · {row['environment_type']} · {row['customer_id']}"


def invoice_option(row: Row) -> str:
    """Return the text of an invoice in the list."""
    when = row["period_start"] or row["issued"] or "no date"
    total = "unknown" if row["total"] is None else formats.exact(row["total"])
    return f"{when} · {row['status']} · {total} {row['pricing_unit']} · {row['invoice_id']}"


def table(rows: list[Row]) -> mo.Html:
    """Show rows as a table, with every value escaped."""
    if not rows:
        return mo.plain_text("None.")
    head = Markup("").join(Markup("<th>{}</th>").format(name.replace("_", " ")) for name in rows[0])
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(map(_cell, row.values()))) for row in rows
    )
    return mo.Html(STYLE + TABLE.format(head, body))


def burn_downs(connection: duckdb.DuckDBPyConnection, entries: list[Row]) -> Markup:
    """Draw the balance of each commit, credit or grant over time, those with most entries first."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for entry in entries:
        key = entry["balance_id"]
        names[key] = f"{one_line(entry['balance_name'])} ({entry['pricing_unit']})"
        counts[key] = counts.get(key, 0) + 1
    drawn = sorted(counts, key=lambda key: (-counts[key], key))[:BALANCES_DRAWN]
    by_balance: dict[str, list[Row]] = {}
    for entry in queries.credit.ledger(connection, drawn):
        by_balance.setdefault(entry["balance_id"], []).append(entry)
    as_of = queries.run.parameters(connection)["as_of"]
    figures = []
    for key in drawn:
        drawing = charts.burn_down(by_balance[key], as_of, None, "Balance over time")
        figures.append(
            Markup("<figure><figcaption><bdi>{}</bdi></figcaption>{}</figure>").format(
                names[key], drawing
            )
        )
    return STYLE + Markup('<div class="explore charts">{}</div>').format(Markup("").join(figures))


def usage(events: list[Row]) -> Markup:
    """Draw the events per day, stacked by kind of event, with a legend."""
    if not events:
        return Markup("<p>None.</p>")
    kinds = sorted({row["event_type"] for row in events})
    rows = [
        {
            "x": row["event_date"].isoformat(),
            "y": row["events"],
            "series": row["event_type"],
            "place": kinds.index(row["event_type"]),
        }
        for row in events
    ]
    legend = Markup(" ").join(
        Markup('<span style="color:var(--c{})">■</span> {}').format(
            place + 1 if place < charts.COLOURS else 0, kind
        )
        for place, kind in enumerate(kinds)
    )
    return STYLE + Markup('<div class="explore"><p>{}</p>{}</div>').format(
        legend, charts.stacked_days(rows, kinds, "Events per day")
    )


def one_line(text: str | None) -> str:
    """Return a name on one line, shortened, or `(no name)`."""
    line = " ".join((text or "").split()) or "(no name)"
    return line if len(line) <= NAME_LENGTH else f"{line[: NAME_LENGTH - 1]}…"


def _cell(value: Any) -> Markup:
    if value is None:
        return Markup('<td class="null">null</td>')
    if isinstance(value, bool):
        return Markup("<td>{}</td>").format("yes" if value else "no")
    if isinstance(value, Decimal | int):
        return Markup('<td class="figure">{}</td>').format(formats.exact(value))
    if isinstance(value, datetime):
        return Markup('<td class="figure">{}</td>').format(formats.iso(value))
    if isinstance(value, date):
        return Markup('<td class="figure">{}</td>').format(value.isoformat())
    return Markup('<td><bdi dir="auto">{}</bdi></td>').format(value)
