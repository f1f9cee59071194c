"""Read commits, credits and credit grants, and their ledgers."""

import json

import duckdb

from pages.queries.rows import IDS, IN_SCOPE, Row, select


def running_out(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return the customers with credit left, the one whose credit ends first at the top.

    Credit ends when it is used up at the pace of the last 30 days or when it expires. `days` is the
    smaller number of the two, null when neither is known.
    """
    return select(
        connection,
        """
        select
            customer_id,
            customer_name,
            pricing_unit,
            credit_balance,
            credit_burned_30d,
            credit_days_left,
            credit_expiring_30d,
            next_credit_expiry,
            least(credit_days_left, date_diff('day', as_of, next_credit_expiry)) as days,
            count(*) over () as all_rows
        from reports.rpt_customer_summary
        where credit_balance > 0
        order by days nulls last, customer_name, customer_id, pricing_unit
        limit ?
        """,
        limit,
    )


def commits(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return commits, credits and grants that are in use, the largest in each unit first."""
    return select(
        connection,
        f"""
        select
            credits.balance_id,
            credits.balance_type,
            credits.balance_name,
            credits.customer_id,
            customers.customer_name,
            credits.pricing_unit,
            credits.granted_amount,
            credits.balance_amount,
            credits.next_expiry_at,
            credits.days_left,
            row_number() over (
                partition by credits.pricing_unit
                order by credits.granted_amount desc nulls last, credits.balance_id
            ) as place,
            count(*) over () as all_rows
        from marts.fct_balances as credits
        inner join marts.report_parameters as arguments
            on {IN_SCOPE.format(alias="credits")}
        left join marts.dim_customers as customers
            on credits.customer_id = customers.customer_id
        where credits.is_spendable and credits.balance_amount > 0
        order by place, credits.granted_amount desc nulls last, credits.balance_id
        limit ?
        """,
        limit,
    )


def ledger(connection: duckdb.DuckDBPyConnection, balance_ids: list[str]) -> list[Row]:
    """Return the ledger entries of some commits and credits, the oldest of each first.

    A customer's credit grants share a ledger, so `balance_after` is summed up for each grant.
    """
    return select(
        connection,
        f"""
        select
            balance_id,
            balance_name,
            customer_id,
            invoice_id,
            entry_type,
            reason,
            pricing_unit,
            amount,
            sum(amount) over (
                partition by balance_id
                -- the id ends in the entry's place in its ledger
                order by effective_at, length(ledger_entry_id), ledger_entry_id
            ) as balance_after,
            effective_at,
            is_pending
        from marts.fct_balance_ledger
        where balance_id in {IDS}
        order by balance_id, effective_at, length(ledger_entry_id), ledger_entry_id
        """,
        json.dumps(balance_ids),
    )
