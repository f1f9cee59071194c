"""Read the checks of the reconciliation, and what differs."""

import duckdb

from pages.queries.rows import IN_SCOPE, Row, select


def checks(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the checks of the figures, one row per check and unit."""
    return select(
        connection,
        """
        select
            check_name, unit, compared, equal, different, not_comparable, only_in_one, difference
        from reports.rpt_reconciliation
        order by check_number, unit
        """,
    )


def differences(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return what does not agree, one row per charge, invoice or balance."""
    return select(
        connection,
        f"""
        with
        found as (
            select
                1 as check_number, 'usage to invoice' as check_name, environment_type, customer_id,
                invoice_id, charge_name as what, unit_of_measure as unit,
                cast(difference as decimal(38, 18)) as difference
            from marts.fct_reconciliation_usage
            where outcome = 'different'
            union all
            select
                2, 'API to export', environment_type, customer_id, invoice_id,
                coalesce('different: ' || different_fields, outcome), pricing_unit,
                difference_amount
            from marts.fct_reconciliation_sources
            where outcome = 'different' or (outcome like 'only in%' and explanation is null)
            union all
            select
                3, 'lines to invoice total', environment_type, customer_id, invoice_id,
                'lines', pricing_unit, lines_difference_amount
            from marts.fct_reconciliation_lines
            where lines_difference_amount <> 0
            union all
            select
                4, 'sub lines to line totals', environment_type, customer_id, invoice_id,
                'sub lines', pricing_unit, sub_lines_difference_amount
            from marts.fct_reconciliation_lines
            where sub_lines_difference_amount <> 0
            union all
            select
                5, 'days to invoice total', environment_type, customer_id, invoice_id,
                'days', pricing_unit, days_difference_amount
            from marts.fct_reconciliation_lines
            where days_difference_amount <> 0
            union all
            select
                6, 'ledger to balance', environment_type, customer_id, null, balance_id,
                pricing_unit, difference_amount
            from marts.fct_reconciliation_balances
            where outcome = 'different'
        )
        select found.*, customers.customer_name, count(*) over () as all_rows
        from found
        inner join marts.report_parameters as arguments
            on {IN_SCOPE.format(alias="found")}
        left join marts.dim_customers as customers on found.customer_id = customers.customer_id
        order by check_number, customer_name, invoice_id, what
        limit ?
        """,
        limit,
    )
