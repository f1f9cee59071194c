"""Read the usage of the requested property."""

from datetime import date

import duckdb

from pages.queries.rows import IN_SCOPE, Row, select


def by_value(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """Return usage by property value, the most frequent values first."""
    return select(
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


def by_day(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the quantity of each day and property value; of events without one, their number."""
    return select(
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


def first_and_last_event(connection: duckdb.DuckDBPyConnection) -> tuple[date | None, date | None]:
    """Return the first and last day of usage events; None without events."""
    row = select(
        connection,
        f"""
        select min(events.event_date) as first_day, max(events.event_date) as last_day
        from marts.fct_usage_events as events
        inner join marts.report_parameters as arguments
            on {IN_SCOPE.format(alias="events")}
        """,
    )[0]
    return row["first_day"], row["last_day"]
