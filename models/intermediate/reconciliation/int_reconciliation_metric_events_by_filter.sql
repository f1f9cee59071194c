-- One row per billable metric with filters in the API, event type, and value of a property that selects the events. The
-- first filter with a list of values selects the events. The other filters are applied to them later (`other_filters`).
with

filtered_metrics as (
    select * from {{ ref('int_reconciliation_metrics') }}
    where is_computable and has_filters
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
    select distinct event_type from {{ ref('stg_metronome_export__events') }}
)

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
