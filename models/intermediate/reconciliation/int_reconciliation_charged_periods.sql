-- One row per customer identifier, charged period, type and property of the events that are charged in it, and stretch
-- of the period. A stretch is one of the spans of 30 days, counted from 1970, that the period overlaps. Events join to
-- their stretch by its number, because DuckDB joins equal numbers faster than ranges.
with

charges as (
    select * from {{ ref('int_reconciliation_charges') }}
),

metric_events as (
    select * from {{ ref('int_reconciliation_metric_events') }}
),

identified as (
    select * from {{ ref('int_customer_identifiers') }}
),

periods as (
    select distinct
        charges.environment_type,
        charges.customer_id,
        identified.identifier,
        charges.period_start_at,
        charges.period_end_at,
        metric_events.event_type,
        metric_events.property_name,
        metric_events.is_folded
    from charges
    inner join metric_events on charges.billable_metric_id = metric_events.billable_metric_id
    inner join identified
        on
            charges.environment_type = identified.environment_type
            and charges.customer_id = identified.customer_id
)

{{ unnest_stretches('periods', 'period_start_at', 'period_end_at') }}
