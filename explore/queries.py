"""Query the marts and reports: five queries to start with, and those of the customer app."""

from typing import Any

import duckdb

from pipelines.common.sql import rows_of

Row = dict[str, Any]

STARTERS = {
    "Who owes what, and for how long": """\
select customer_name, pricing_unit, outstanding_balance, overdue_over_90_days, oldest_due
from reports.rpt_outstanding_ageing
order by pricing_unit, outstanding_balance desc;
""",
    "Whose credit ends first": """\
select customer_name, pricing_unit, credit_balance, credit_days_left, next_credit_expiry
from reports.rpt_customer_summary
where credit_balance > 0
order by credit_days_left nulls last, next_credit_expiry nulls last;
""",
    "What each plan billed, month by month": """\
pivot (
    select plan_name, pricing_unit, month, billed_amount from reports.rpt_billings_by_plan
) on month using sum(billed_amount) group by plan_name, pricing_unit
order by plan_name, pricing_unit;
""",
    "What customers spend each product on, in the newest 30 days": """\
select environment_type, customer_name, product_name, pricing_unit, sum(net_amount) as net_amount
from marts.fct_daily_spend
inner join marts.dim_customers using (customer_id, environment_type)
where spend_date > (select max(spend_date) from marts.fct_daily_spend) - 30
    and product_name is not null
group by all
order by environment_type, pricing_unit, net_amount desc;
""",
    "Do the figures agree": """\
select environment_type, check_name, compared, different, not_comparable, only_in_one, outcome
from marts.fct_reconciliation_summary
order by environment_type, check_number;
""",
}
"""Queries to start with, by the question that each one answers."""


def find_customers(connection: duckdb.DuckDBPyConnection, text: str, limit: int) -> list[Row]:
    """Return customers whose name or id contains the text, in the order of their names."""
    return _rows(
        connection,
        """
        select customer_id, customer_name, environment_type
        from marts.dim_customers
        where contains(lower(customer_name), lower($text)) or contains(customer_id, lower($text))
        order by customer_name, customer_id
        limit $limit
        """,
        text=text,
        limit=limit,
    )


def balances(connection: duckdb.DuckDBPyConnection, customer_id: str) -> list[Row]:
    """Return the customer's balances: one row per pricing unit."""
    return _rows(
        connection,
        """
        select
            pricing_unit,
            plan_name,
            invoice_balance_amount as invoice_balance,
            credit_balance_amount as credit_balance,
            credit_days_left,
            outstanding_amount as outstanding,
            overdue_amount as overdue
        from marts.fct_customer_balances
        where customer_id = $customer_id
        order by pricing_unit
        """,
        customer_id=customer_id,
    )


def invoices(connection: duckdb.DuckDBPyConnection, customer_id: str) -> list[Row]:
    """Return the customer's invoices of any status, the newest period first."""
    return _rows(
        connection,
        """
        select
            invoice_status as status,
            invoice_type as type,
            plan_name,
            cast(period_start_at as date) as period_start,
            cast(period_end_at as date) as period_end,
            cast(issued_at as date) as issued,
            cast(due_at as date) as due,
            total_amount as total,
            pricing_unit,
            is_outstanding,
            external_status,
            invoice_id
        from marts.fct_invoices
        where customer_id = $customer_id
        order by coalesce(period_start_at, issued_at) desc nulls last, invoice_id
        """,
        customer_id=customer_id,
    )


def invoice_lines(connection: duckdb.DuckDBPyConnection, invoice_id: str) -> list[Row]:
    """Return the lines of an invoice in their order."""
    return _rows(
        connection,
        """
        select
            line_number,
            line_kind as kind,
            product_name,
            description,
            quantity,
            unit_price,
            amount,
            pricing_unit,
            is_in_invoice_total
        from marts.fct_invoice_lines
        where invoice_id = $invoice_id
        order by line_number, invoice_line_id
        """,
        invoice_id=invoice_id,
    )


def ledger(connection: duckdb.DuckDBPyConnection, customer_id: str) -> list[Row]:
    """Return the entries of the customer's commits, credits and credit grants, in time order."""
    return _rows(
        connection,
        """
        select
            effective_at,
            balance_name,
            entry_type,
            reason,
            amount,
            pricing_unit,
            is_pending,
            balance_id
        from marts.fct_balance_ledger
        where customer_id = $customer_id
        order by effective_at, ledger_entry_id
        """,
        customer_id=customer_id,
    )


def usage(connection: duckdb.DuckDBPyConnection, customer_id: str, days: int) -> list[Row]:
    """Return the customer's events per day and kind of event, of the newest days with events."""
    return _rows(
        connection,
        """
        select event_date, event_type, count(*) as events
        from marts.fct_usage_events
        where customer_id = $customer_id
            and event_date > $days * interval '-1 day' + (
                select max(event_date) from marts.fct_usage_events where customer_id = $customer_id
            )
        group by event_date, event_type
        order by event_date, event_type
        """,
        customer_id=customer_id,
        days=days,
    )


def spend(connection: duckdb.DuckDBPyConnection, customer_id: str) -> list[Row]:
    """Return the customer's spend per month, product and pricing unit, the newest first."""
    return _rows(
        connection,
        """
        select
            strftime(spend_date, '%Y-%m') as month,
            product_name,
            pricing_unit,
            sum(usage_amount) as usage,
            sum(applied_credit_amount) as applied_credit,
            sum(net_amount) as net
        from marts.fct_daily_spend
        where customer_id = $customer_id
        group by all
        order by month desc, pricing_unit, product_name
        """,
        customer_id=customer_id,
    )


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, **values: Any) -> list[Row]:
    return rows_of(connection.execute(sql, values))
