-- One row per billable metric: how it aggregates events, and how its events are selected.
with

metrics as (
    select
        *,
        -- the export has no filters: only the name of the metric can select its events
        source = 'api' as has_filters
    from {{ ref('int_billable_metrics_combined') }}
)

select
    billable_metric_id,
    billable_metric_name,
    aggregation_type,
    aggregation_key,
    has_filters,
    event_type_filter,
    property_filters,
    case when not has_filters then {{ text_in_parentheses('billable_metric_name') }} end as named_value,
    case aggregation_type when 'count' then 'events' else aggregation_key end as unit_of_measure,
    metric_sql is null
    and (
        aggregation_type = 'count'
        or (aggregation_type in ('sum', 'max', 'latest', 'unique') and aggregation_key is not null)
    ) as is_computable
from metrics
