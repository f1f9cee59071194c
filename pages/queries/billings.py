"""Read billings by plan and revenue, by month."""

import duckdb

from pages.queries.rows import Row, select


def by_plan(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return what was billed, one row per month, plan and pricing unit."""
    return select(
        connection,
        """
        select month, plan_id, plan_name, plan_kind, pricing_unit, invoices, billed_amount
        from reports.rpt_billings_by_plan
        order by pricing_unit, month, plan_name, plan_id
        """,
    )


def revenue(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return billed, recognized and accrued revenue, one row per month, kind and pricing unit."""
    return select(
        connection,
        """
        select month, revenue_kind, pricing_unit, billed, recognized, accrued, accrued_on
        from reports.rpt_revenue_by_month
        order by pricing_unit, month, revenue_kind
        """,
    )
