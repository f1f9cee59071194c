"""Read invoices and their lines."""

import json

import duckdb

from pages.queries.rows import IDS, IN_SCOPE, Row, select

INVOICES = f"""
    select
        invoices.invoice_id,
        invoices.customer_id,
        customers.customer_name,
        customers.billing_provider_customer_id,
        invoices.invoice_type,
        invoices.invoice_status,
        invoices.plan_name,
        invoices.plan_kind,
        invoices.contract_id,
        invoices.contract_name,
        invoices.regenerated_from_invoice_id,
        invoices.pricing_unit,
        invoices.total_amount,
        invoices.period_start_at,
        invoices.period_end_at,
        invoices.issued_at,
        invoices.billing_month,
        invoices.is_included_in_totals,
        coalesce(outstanding.invoice_id is not null, false) as is_outstanding,
        coalesce(invoices.billing_provider_type, customers.billing_provider_type)
            as billing_provider_type,
        invoices.billing_provider_invoice_id,
        invoices.external_status,
        invoices.billing_provider_error,
        invoices.is_payment_status_known,
        invoices.is_payment_failed,
        invoices.net_payment_terms_days,
        invoices.due_at,
        case
            when invoices.customer_id = arguments.customer_id then 1
            when
                strftime(invoices.billing_month, '%Y-%m') = arguments.billing_month
                then 2
            when outstanding.invoice_id is not null then 3
            when invoices.invoice_status = 'DRAFT' then 4
            else 5
        end as preference
    from marts.fct_invoices as invoices
    inner join marts.report_parameters as arguments
        on {IN_SCOPE.format(alias="invoices")}
    left join marts.dim_customers as customers
        on invoices.customer_id = customers.customer_id
    left join marts.fct_outstanding_invoices as outstanding
        on invoices.invoice_id = outstanding.invoice_id
"""
"""One row per invoice. The lower its preference, the more likely a reader asks for it: 1 is the
customer asked for, 2 the month asked for, 3 is outstanding, 4 is open."""


def counts(connection: duckdb.DuckDBPyConnection) -> Row:
    """Count the invoices of the run's environment, and those of the month: one row."""
    return select(
        connection,
        f"""
        select
            count(*) as invoices,
            count(*) filter (where preference <= 2 and is_included_in_totals) as asked
        from ({INVOICES})
        """,
    )[0]


def listed(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return the invoices a reader asks for first, ordered by customer and newest first."""
    return select(
        connection,
        f"""
        select *
        from (
            {INVOICES}
            order by preference, invoices.total_amount desc nulls last, invoices.invoice_id
            limit ?
        )
        order by
            customer_name, customer_id, coalesce(period_start_at, issued_at) desc nulls first,
            invoice_id
        """,
        limit,
    )


def of_month(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return the invoices that `invoice_lines` holds lines of, the largest first."""
    return select(
        connection,
        f"""
        select
            found.*,
            held.lines,
            held.lines_total,
            count(*) over () as all_rows
        from ({INVOICES}) as found
        inner join (
            select
                invoice_id,
                count(*) as lines,
                sum(case when is_in_invoice_total then total else 0 end) as lines_total
            from reports.rpt_invoice_lines
            group by invoice_id
        ) as held
            on found.invoice_id = held.invoice_id
        order by found.total_amount desc nulls last, found.invoice_id
        limit ?
        """,
        limit,
    )


def lines(connection: duckdb.DuckDBPyConnection, invoice_ids: list[str]) -> dict[str, list[Row]]:
    """Return the lines of some invoices, in their order, by invoice."""
    rows = select(
        connection,
        f"""
        select
            lines.invoice_id,
            lines.invoice_line_id,
            lines.line_number,
            lines.line_kind,
            lines.product_id,
            lines.product_name,
            lines.description,
            lines.quantity,
            lines.unit_price,
            lines.amount,
            lines.pricing_unit,
            lines.is_in_invoice_total,
            lines.starting_at,
            lines.ending_before
        from marts.fct_invoice_lines as lines
        where lines.invoice_id in {IDS}
        order by lines.invoice_id, lines.line_number, lines.invoice_line_id
        """,
        json.dumps(invoice_ids),
    )
    lines: dict[str, list[Row]] = {}
    for row in rows:
        lines.setdefault(row["invoice_id"], []).append(row)
    return lines


def tiers(connection: duckdb.DuckDBPyConnection, invoice_ids: list[str]) -> dict[str, list[Row]]:
    """Return the price tiers of the lines of some invoices, in their order, by line."""
    rows = select(
        connection,
        f"""
        select
            invoice_line_id,
            tier_number,
            starting_quantity,
            lead(starting_quantity) over (
                partition by invoice_line_id order by tier_number
            ) as next_quantity,
            quantity,
            unit_price,
            amount,
            pricing_unit
        from marts.fct_invoice_line_tiers
        where invoice_id in {IDS}
        order by invoice_line_id, tier_number
        """,
        json.dumps(invoice_ids),
    )
    tiers: dict[str, list[Row]] = {}
    for row in rows:
        tiers.setdefault(row["invoice_line_id"], []).append(row)
    return tiers
