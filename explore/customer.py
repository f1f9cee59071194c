"""Show one customer in a marimo app: invoices, credit burn-down and usage.

The app reads the marts of the snapshot in EXPLORE_SNAPSHOT, read-only. `make app` takes the
snapshot and serves the app on loopback. Amounts are exact. Names from the account are shown as
text, and never as Markdown or HTML.
"""

import marimo

app = marimo.App(width="medium", app_title="Customer")

with app.setup:
    import os
    from pathlib import Path

    import marimo as mo

    from explore import queries, render
    from explore.snapshot import connect

    connection = connect(Path(os.environ["EXPLORE_SNAPSHOT"]))


@app.cell
def _():
    search = mo.ui.text(label="Name or id contains", placeholder="all customers")
    search
    return (search,)


@app.cell
def _(search):
    limit = 200
    found = queries.find_customers(connection, search.value.strip(), limit)
    options = {render.option(row): row["customer_id"] for row in found}
    picked = mo.ui.dropdown(options, label="Customer", value=next(iter(options), None))
    note = f"The first {limit} customers. Type more of the name." if len(found) == limit else ""
    mo.hstack([picked, mo.plain_text(note)], justify="start")
    return (picked,)


@app.cell
def _(picked):
    mo.stop(picked.value is None, mo.plain_text("No customer has this text in the name or id."))
    customer_id = picked.value
    mo.vstack([mo.md("## Balances"), render.table(queries.balances(connection, customer_id))])
    return (customer_id,)


@app.cell
def _(customer_id):
    invoices = queries.invoices(connection, customer_id)
    chosen = mo.ui.dropdown(
        {render.invoice_option(row): row["invoice_id"] for row in invoices}, label="Lines of"
    )
    mo.vstack([mo.md("## Invoices"), render.table(invoices), chosen])
    return (chosen,)


@app.cell
def _(chosen):
    mo.stop(chosen.value is None)
    render.table(queries.invoice_lines(connection, chosen.value))
    return


@app.cell
def _(customer_id):
    entries = queries.ledger(connection, customer_id)
    mo.vstack(
        [
            mo.md("## Credit burn-down"),
            mo.Html(render.burn_downs(connection, entries)),
            render.table(entries),
        ]
    )
    return


@app.cell
def _(customer_id):
    days = 60
    events = queries.usage(connection, customer_id, days)
    mo.vstack(
        [
            mo.md(f"## Usage: events of the newest {days} days"),
            mo.Html(render.usage(events)),
            mo.md("## Spend by month and product"),
            render.table(queries.spend(connection, customer_id)),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
