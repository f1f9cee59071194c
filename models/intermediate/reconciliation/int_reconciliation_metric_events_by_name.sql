-- One row per billable metric whose name selects its events, if exactly one event type and property match. The events
-- of `CPU hours (c5.xlarge)` have the property that the metric aggregates, and the value `c5.xlarge` in another
-- property. A sample of the events shows which property that is.
with

events as {{ not_materialized() }} (
    select * from {{ ref('stg_metronome_export__events') }}
),

named_metrics as (
    select
        *,
        {{ value_key('named_value') }} as property_value
    from {{ ref('int_reconciliation_metrics') }}
    where is_computable and named_value is not null and aggregation_key is not null
),

event_count as (
    select count(*) as events from events
),

sampled as (
    select
        events.event_type,
        events.properties
    from events
    cross join event_count
    where {{ is_in_sample('events.transaction_id', 'event_count.events', 200000) }}
),

sampled_properties as (
    {{ unnest_json_entries('sampled', 'properties') }}
),

candidates as (
    select distinct
        named_metrics.billable_metric_id,
        named_metrics.property_value,
        sampled_properties.event_type,
        sampled_properties.entry_name as property_name,
        {{ letters_and_digits('sampled_properties.event_type') }}
        like {{ letters_and_digits("split_part(named_metrics.billable_metric_name, '(', 1)") }} || '%'
            as is_named_alike
    from sampled_properties
    inner join named_metrics
        on {{ value_key('sampled_properties.entry_value') }} = named_metrics.property_value
    where
        sampled_properties.entry_name <> named_metrics.aggregation_key
        and {{ json_text_at('sampled_properties.properties', 'named_metrics.aggregation_key') }} is not null
),

-- if two event types match, `Fine tuning (atlas-1)` selects the type `fine_tuning`
counted as (
    select
        *,
        count(*) over (partition by billable_metric_id) as candidates,
        sum(case when is_named_alike then 1 else 0 end) over (partition by billable_metric_id)
            as candidates_named_alike
    from candidates
)

select
    billable_metric_id,
    event_type,
    property_name,
    property_value,
    true as is_folded,
    cast(null as {{ json_column_type() }}) as other_filters
from counted
where candidates = 1 or (is_named_alike and candidates_named_alike = 1)
