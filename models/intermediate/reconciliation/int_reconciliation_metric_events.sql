-- One row per billable metric, event type and property value whose events the metric counts. The filters in the API
-- decide which. Without the API, the name of the metric does: `CPU hours (c5.xlarge)` selects the events
-- that have the aggregated property, and the value in parentheses in another property. A metric has no row if its
-- events cannot be selected, or if two event types match.
with

metrics as (
    select * from {{ ref('int_reconciliation_metrics') }}
    where is_computable
),

events as {{ not_materialized() }} (
    select * from {{ ref('stg_metronome_export__events') }}
),

-- by filters: the first filter with a list of values selects the events, and the others are applied to them
filtered_metrics as (
    select * from metrics
    where has_filters
),

property_filters as (
    {{ unnest_json_objects('filtered_metrics', 'property_filters') }}
),

ranked_filters as (
    select
        billable_metric_id,
        element,
        {{ json_text('element', 'name') }} as property_name,
        {{ json_text('element', 'in_values') }} as in_values,
        {{ json_text('element', 'not_in_values') }} is null
        and {{ json_text('element', 'in_values') }} is null
        and {{ json_text('element', 'exists') }} = 'true'
        and {{ json_text('element', 'name') }} = aggregation_key
        and aggregation_type <> 'count' as is_implied,
        row_number() over (
            partition by billable_metric_id
            order by
                case when {{ json_text('element', 'in_values') }} is not null then 1 else 2 end,
                cast(element as string)
        ) as choice
    from property_filters
),

finding_filters as (
    select
        billable_metric_id,
        property_name,
        in_values
    from ranked_filters
    where choice = 1 and in_values is not null
),

finding_values as (
    {{ unnest_json_texts('finding_filters', 'in_values') }}
),

sifting_filters as (
    select
        billable_metric_id,
        {{ json_list('element') }} as other_filters
    from ranked_filters
    where not is_implied and not (choice = 1 and in_values is not null)
    group by billable_metric_id
),

event_types as (
    select distinct event_type from events
),

by_filters as (
    select distinct
        filtered_metrics.billable_metric_id,
        event_types.event_type,
        coalesce(finding_values.property_name, '') as property_name,
        coalesce(finding_values.element, '') as property_value,
        false as is_folded,
        sifting_filters.other_filters
    from filtered_metrics
    inner join event_types
        on {{ passes_filter('event_types.event_type', 'filtered_metrics.event_type_filter') }}
    left join finding_values on filtered_metrics.billable_metric_id = finding_values.billable_metric_id
    left join sifting_filters on filtered_metrics.billable_metric_id = sifting_filters.billable_metric_id
),

-- by name: a sample of the events shows which property has such values
named_metrics as (
    select
        *,
        {{ value_key('named_value') }} as property_value
    from metrics
    where named_value is not null and aggregation_key is not null
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
),

by_name as (
    select
        billable_metric_id,
        event_type,
        property_name,
        property_value,
        true as is_folded,
        cast(null as {{ json_column_type() }}) as other_filters
    from counted
    where candidates = 1 or (is_named_alike and candidates_named_alike = 1)
)

select * from by_filters
union all
select * from by_name
