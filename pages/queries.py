"""Read the marts and reports. All SQL of the pages is in this module.

Every function takes an open DuckDB connection whose time zone is UTC and returns rows as
dictionaries. Amounts are exact `Decimal`s. No other schema is read.
"""

from datetime import date
from typing import Any

import duckdb

Row = dict[str, Any]

IN_SCOPE = "{alias}.environment_type is not distinct from arguments.environment_type"
"""Keeps the rows of the run's environment; PRODUCTION and SANDBOX are never mixed."""


def in_utc(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a cursor in UTC that leaves the settings of the caller's connection alone."""
    cursor = connection.cursor()
    cursor.execute("set timezone = 'UTC'")
    return cursor


def parameters(connection: duckdb.DuckDBPyConnection) -> Row:
    """Return the run's arguments with their defaults: one row."""
    return _rows(
        connection,
        """
        select
            as_of,
            environment_type as environment,
            billing_month as month,
            usage_from_date as usage_from,
            usage_to_date as usage_to,
            customer,
            customer_id
        from marts.report_parameters
        """,
    )[0]


def pricing_units(connection: duckdb.DuckDBPyConnection) -> dict[str, bool | None]:
    """Return whether each pricing unit is a currency; None where no source lists the unit."""
    rows = _rows(connection, "select pricing_unit, is_currency from marts.dim_pricing_units")
    return {row["pricing_unit"]: row["is_currency"] for row in rows}


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
    return _rows(
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


def customer_counts(connection: duckdb.DuckDBPyConnection) -> Row:
    """Count customers, and those with a failed payment, an alert or an error: one row."""
    return _rows(
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


def customers(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return the first customers, one row per pricing unit: who owes, oldest due date first."""
    return _rows(
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


def customer(connection: duckdb.DuckDBPyConnection, customer_id: str) -> list[Row]:
    """Return the balances of a customer, one row per pricing unit."""
    return _rows(
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


def credit_running_out(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return the customers with credit left, the one whose credit ends first at the top.

    Credit ends when it is used up at the pace of the last 30 days or when it expires. `days` is the
    smaller number of the two, null when neither is known.
    """
    return _rows(
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


def billings(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return what was billed, one row per month, plan and pricing unit."""
    return _rows(
        connection,
        """
        select month, plan_id, plan_name, plan_kind, pricing_unit, invoices, billed_amount
        from reports.rpt_billings_by_plan
        order by pricing_unit, month, plan_name, plan_id
        """,
    )


def revenue(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return billed, recognized and accrued revenue, one row per month, kind and pricing unit."""
    return _rows(
        connection,
        """
        select month, revenue_kind, pricing_unit, billed, recognized, accrued, accrued_on
        from reports.rpt_revenue_by_month
        order by pricing_unit, month, revenue_kind
        """,
    )


def usage(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return usage by property value, the most frequent values first."""
    return _rows(
        connection,
        """
        select
            event_type,
            property_name,
            property_value,
            events,
            quantity,
            sum(events) over () as all_events,
            sum(quantity) over () as all_quantity,
            count(*) over () as all_rows
        from reports.rpt_usage_by_property
        order by events desc, property_value nulls last
        limit ?
        """,
        limit,
    )


def usage_daily(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the quantity of each day and property value; of events without one, their number."""
    return _rows(
        connection,
        f"""
        select
            usage.event_date,
            usage.property_value,
            coalesce(usage.quantity, usage.events) as quantity
        from marts.fct_usage_by_property_daily as usage
        inner join marts.report_parameters as arguments
            on {IN_SCOPE.format(alias="usage")}
        order by usage.event_date, usage.property_value nulls last
        """,
    )


def commits(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return commits, credits and grants that are in use, the largest in each unit first."""
    return _rows(
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
    return _rows(
        connection,
        """
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
        where balance_id in (select unnest(cast(? as varchar[])))
        order by balance_id, effective_at, length(ledger_entry_id), ledger_entry_id
        """,
        balance_ids,
    )


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


def invoice_counts(connection: duckdb.DuckDBPyConnection) -> Row:
    """Count the invoices of the run's environment, and those of the month: one row."""
    return _rows(
        connection,
        f"""
        select
            count(*) as invoices,
            count(*) filter (where preference <= 2 and is_included_in_totals) as asked
        from ({INVOICES})
        """,
    )[0]


def invoices(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return the invoices a reader asks for first, ordered by customer and newest first."""
    return _rows(
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


def month_invoices(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return the invoices that `invoice_lines` holds lines of, the largest first."""
    return _rows(
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


def invoice_lines(
    connection: duckdb.DuckDBPyConnection, invoice_ids: list[str]
) -> dict[str, list[Row]]:
    """Return the lines of some invoices, in their order, by invoice."""
    rows = _rows(
        connection,
        """
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
        where lines.invoice_id in (select unnest(cast(? as varchar[])))
        order by lines.invoice_id, lines.line_number, lines.invoice_line_id
        """,
        invoice_ids,
    )
    lines: dict[str, list[Row]] = {}
    for row in rows:
        lines.setdefault(row["invoice_id"], []).append(row)
    return lines


def line_tiers(
    connection: duckdb.DuckDBPyConnection, invoice_ids: list[str]
) -> dict[str, list[Row]]:
    """Return the price tiers of the lines of some invoices, in their order, by line."""
    rows = _rows(
        connection,
        """
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
        where invoice_id in (select unnest(cast(? as varchar[])))
        order by invoice_line_id, tier_number
        """,
        invoice_ids,
    )
    tiers: dict[str, list[Row]] = {}
    for row in rows:
        tiers.setdefault(row["invoice_line_id"], []).append(row)
    return tiers


def reconciliation(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the checks of the figures, one row per check and unit."""
    return _rows(
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
    return _rows(
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


def without_due_date(connection: duckdb.DuckDBPyConnection) -> int:
    """Count the outstanding invoices that no payment terms are known for."""
    return _rows(
        connection,
        f"""
        select count(*) as invoices
        from marts.fct_outstanding_invoices as invoices
        inner join marts.report_parameters as arguments
            on {IN_SCOPE.format(alias="invoices")}
        where invoices.due_at is null
        """,
    )[0]["invoices"]


def ageing(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return what is outstanding by how long it is overdue, one row per pricing unit."""
    return _rows(
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


def first_and_last_event(connection: duckdb.DuckDBPyConnection) -> tuple[date | None, date | None]:
    """Return the first and last day of usage events; None without events."""
    row = _rows(
        connection,
        f"""
        select min(events.event_date) as first_day, max(events.event_date) as last_day
        from marts.fct_usage_events as events
        inner join marts.report_parameters as arguments
            on {IN_SCOPE.format(alias="events")}
        """,
    )[0]
    return row["first_day"], row["last_day"]


def reports(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the reports and their descriptions, in alphabetical order."""
    return _rows(
        connection,
        """
        select view_name as model, substr(view_name, 5) as name, comment as description
        from duckdb_views()
        where schema_name = 'reports' and starts_with(view_name, 'rpt_')
        order by view_name
        """,
    )


def report_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """Return the columns of each report with types and descriptions, by model."""
    rows = _rows(
        connection,
        """
        select table_name as model, column_name as name, data_type, comment as description
        from duckdb_columns()
        where schema_name = 'reports' and starts_with(table_name, 'rpt_')
        order by table_name, column_index
        """,
    )
    columns: dict[str, list[Row]] = {}
    for row in rows:
        columns.setdefault(row["model"], []).append(row)
    return columns


def report_rows(
    connection: duckdb.DuckDBPyConnection, model: str, limit: int
) -> tuple[list[Row], int]:
    """Return the first rows of a report, ordered by its columns, and how many rows it has."""
    relation = f'reports."{model.replace(chr(34), chr(34) * 2)}"'
    rows = _rows(connection, f"select * from {relation} order by all limit ?", limit)
    if len(rows) < limit:
        return rows, len(rows)
    return rows, _rows(connection, f"select count(*) as rows from {relation}")[0]["rows"]


def descriptions(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Return the description of every column of a mart or report, by table and column."""
    rows = _rows(
        connection,
        """
        select table_name, column_name, comment
        from duckdb_columns()
        where schema_name in ('marts', 'reports') and comment is not null
        """,
    )
    return {(row["table_name"], row["column_name"]): row["comment"] for row in rows}


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[Row]:
    found = connection.execute(sql, values)
    names = [name for name, *_ in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
