-- One row per customer, billable metric and charged period with events, with the quantity that the metric computes
-- from them. An event is joined to the periods of its customer, then to the metrics of its property value.

with

charges as (
    select * from {{ ref('int_reconciliation_charges') }}
),

metrics as (
    select * from {{ ref('int_reconciliation_metrics') }}
),

metric_events as (
    select * from {{ ref('int_reconciliation_metric_events') }}
),

events as (
    select * from {{ ref('stg_metronome_export__events') }}
),

periods as (
    select * from {{ ref('int_reconciliation_charged_periods') }}
),

events_in_periods as (
    select
        periods.environment_type,
        periods.customer_id,
        periods.period_start_at,
        periods.period_end_at,
        periods.property_name,
        periods.is_folded,
        events.event_type,
        events.event_at,
        events.transaction_id,
        events.properties,
        case
            when periods.property_name = '' then ''
            else {{ json_text_at('events.properties', 'periods.property_name') }}
        end as sent_value
    from events
    inner join periods
        on
            events.environment_type = periods.environment_type
            and events.sent_customer_id = periods.identifier
            and events.event_type = periods.event_type
            and {{ stretch_of_30_days('events.event_at') }} = periods.stretch
            and events.event_at >= periods.period_start_at
            and events.event_at < periods.period_end_at
),

-- a metric that its name selects (is_folded) ignores letter case and look-alike characters
valued as (
    select
        *,
        case when is_folded then {{ value_key('sent_value') }} else sent_value end as property_value
    from events_in_periods
),

measured as (
    select
        valued.environment_type,
        valued.customer_id,
        valued.period_start_at,
        valued.period_end_at,
        valued.event_at,
        valued.transaction_id,
        metrics.billable_metric_id,
        metrics.aggregation_type,
        {{ json_text_at('valued.properties', 'metrics.aggregation_key') }} as measure
    from valued
    inner join metric_events
        on
            valued.event_type = metric_events.event_type
            and valued.property_name = metric_events.property_name
            and valued.is_folded = metric_events.is_folded
            and valued.property_value = metric_events.property_value
    inner join metrics on metric_events.billable_metric_id = metrics.billable_metric_id
    where
        -- a value can belong to a metric that is not charged in this period
        (
            valued.environment_type, valued.customer_id, metrics.billable_metric_id, valued.period_start_at,
            valued.period_end_at
        ) in (
            select
                environment_type,
                customer_id,
                billable_metric_id,
                period_start_at,
                period_end_at
            from charges
        )
        and (
            metric_events.other_filters is null
            or {{ passes_property_filters('valued.properties', 'metric_events.other_filters') }}
        )
),

aggregated as (
    select
        environment_type,
        customer_id,
        billable_metric_id,
        aggregation_type,
        period_start_at,
        period_end_at,
        count(*) as events,
        {{ sum_quantities("case when aggregation_type = 'sum' then " ~ text_to_quantity('measure') ~ " end") }}
            as total,
        max(case when aggregation_type = 'max' then {{ text_to_quantity('measure') }} end) as greatest,
        count(distinct measure) filter (where aggregation_type = 'unique') as distinct_values,
        max_by({{ text_to_quantity('measure') }}, (event_at, transaction_id))
        filter (where aggregation_type = 'latest' and {{ text_to_quantity('measure') }} is not null) as latest
    from measured
    group by
        environment_type, customer_id, billable_metric_id, aggregation_type, period_start_at, period_end_at
)

select
    environment_type,
    customer_id,
    billable_metric_id,
    period_start_at,
    period_end_at,
    events,
    cast(
        case aggregation_type
            when 'sum' then total
            when 'max' then greatest
            when 'latest' then latest
            when 'unique' then distinct_values
            else events
        end as decimal(38, 18)
    ) as quantity
from aggregated
