-- One row per customer identifier, charged period, event type, event property and stretch. The type and the property
-- select the events that are charged in the period. A stretch is a span of 30 days, counted from 1970. The period has a
-- row for each stretch that it overlaps. Events join to their stretch by its number, because DuckDB joins equal numbers
-- faster than ranges.
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
