"""Read what customers owe and what credit they have."""

import duckdb

from pages.queries.rows import IN_SCOPE, Row, select


def totals(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return one row per pricing unit: sums of the customer summary.

    For each figure, `unknown_<figure>` counts the rows in which it is null. A sum leaves those out.
    """
    figures = {
        "outstanding": "outstanding_balance",
        "overdue": "overdue_balance",
        "credit": "credit_balance",
        "expiring": "credit_expiring_30d",
    }
    sums = ",\n".join(
        f"sum({column}) as {name}, count(*) - count({column}) as unknown_{name}"
        for name, column in figures.items()
    )
    return select(
        connection,
        f"""
        select
            pricing_unit,
            {sums},
            sum(case when not current_invoice_is_fallback then invoice_balance end) as running,
            count(case when not current_invoice_is_fallback then invoice_balance end)
                as running_customers,
            count(*) filter (where current_invoices is null) as unknown_running,
            count(*) filter (where current_invoice_is_fallback) as fallbacks,
            sum(outstanding_invoices) as outstanding_invoices,
            count(*) filter (where outstanding_balance > 0) as owing_customers,
            count(*) filter (where credit_balance > 0) as credit_customers,
            min(oldest_due) as oldest_due,
            min(next_credit_expiry) as next_credit_expiry
        from reports.rpt_customer_summary
        where pricing_unit is not null
        group by pricing_unit
        order by count(*) desc, pricing_unit
        """,
    )


def counts(connection: duckdb.DuckDBPyConnection) -> Row:
    """Count customers, and those with a failed payment, an alert or an error: one row."""
    return select(
        connection,
        """
        select
            count(*) as rows,
            count(distinct customer_id) as customers,
            count(distinct customer_id) filter (where failed_invoices > 0) as failed_customers,
            coalesce(sum(failed_invoices), 0) as failed_invoices,
            count(distinct customer_id) filter (where unconfirmed_invoices > 0)
                as unconfirmed_customers,
            coalesce(sum(unconfirmed_invoices), 0) as unconfirmed_invoices,
            count(distinct customer_id) filter (where alerts_in_alarm > 0) as alarmed_customers,
            count(distinct customer_id) filter (where alerts_in_alarm is null)
                as alerts_unknown_customers,
            count(distinct customer_id) filter (where billing_provider_error is not null)
                as error_customers,
            count(*) filter (where outstanding_balance > 0) as owing_rows,
            count(*) filter (where credit_balance is null and pricing_unit is not null)
                as unknown_credit_rows
        from reports.rpt_customer_summary
        """,
    )[0]


def summary(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return the first customers, one row per pricing unit: who owes, oldest due date first."""
    return select(
        connection,
        """
        select
            summary.customer_id,
            summary.customer_name,
            count(*) over (partition by summary.customer_name)
                > count(*) over (partition by summary.customer_id, summary.customer_name)
                as is_name_repeated,
            summary.pricing_unit,
            summary.plan_name,
            summary.contract_name,
            summary.outstanding_balance,
            summary.overdue_balance,
            summary.oldest_due,
            summary.outstanding_invoices,
            summary.failed_invoices,
            summary.unconfirmed_invoices,
            summary.billing_provider_error,
            summary.current_invoices,
            summary.current_invoice_id,
            summary.current_invoice_is_fallback,
            summary.invoice_balance,
            summary.credit_balance,
            summary.alert_names_in_alarm,
            summary.customer_archived_at
        from reports.rpt_customer_summary as summary
        order by
            coalesce(summary.outstanding_balance, 0) > 0 desc,
            case when summary.outstanding_balance > 0 then summary.oldest_due end asc nulls last,
            summary.outstanding_balance desc nulls last,
            summary.pricing_unit is null,
            summary.current_invoice_is_fallback nulls last,
            summary.invoice_balance desc nulls last,
            summary.customer_name,
            summary.customer_id,
            summary.pricing_unit
        limit ?
        """,
        limit,
    )


def one(connection: duckdb.DuckDBPyConnection, customer_id: str) -> list[Row]:
    """Return the balances of a customer, one row per pricing unit."""
    return select(
        connection,
        """
        select
            pricing_unit,
            current_invoices,
            current_invoice_id,
            current_invoice_is_fallback,
            invoice_balance,
            credit_balance,
            outstanding_balance
        from reports.rpt_customer_summary
        where customer_id = ? and pricing_unit is not null
        order by pricing_unit
        """,
        customer_id,
    )


def ageing(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return what is outstanding by how long it is overdue, one row per pricing unit."""
    return select(
        connection,
        """
        select
            pricing_unit,
            sum(outstanding_balance) as outstanding,
            sum(not_due) as not_due,
            sum(overdue_1_30_days) as overdue_1_30_days,
            sum(overdue_31_60_days) as overdue_31_60_days,
            sum(overdue_61_90_days) as overdue_61_90_days,
            sum(overdue_over_90_days) as overdue_over_90_days,
            sum(no_due_date) as no_due_date
        from reports.rpt_outstanding_ageing
        group by pricing_unit
        order by count(*) desc, pricing_unit
        """,
    )


def without_due_date(connection: duckdb.DuckDBPyConnection) -> int:
    """Count the outstanding invoices that no payment terms are known for."""
    return select(
        connection,
        f"""
        select count(*) as invoices
        from marts.fct_outstanding_invoices as invoices
        inner join marts.report_parameters as arguments
            on {IN_SCOPE.format(alias="invoices")}
        where invoices.due_at is null
        """,
    )[0]["invoices"]
