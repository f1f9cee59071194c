-- One row per billable metric: how it aggregates events, and how its events are selected.
with

api_metrics as (
    select * from {{ ref('stg_metronome_api__billable_metrics') }}
),

export_metrics as (
    select * from {{ ref('stg_metronome_export__billable_metrics') }}
),

united as (
    select
        coalesce(api_metrics.billable_metric_id, export_metrics.billable_metric_id) as billable_metric_id,
        coalesce(api_metrics.billable_metric_name, export_metrics.billable_metric_name)
            as billable_metric_name,
        coalesce(api_metrics.aggregation_type, export_metrics.aggregation_type) as aggregation_type,
        coalesce(
            api_metrics.aggregation_key,
            case
                when {{ json_length('export_metrics.aggregate_keys') }} = 1
                    then {{ json_text('export_metrics.aggregate_keys', '0') }}
            end
        ) as aggregation_key,
        -- the export has no filters: only the name of the metric can select its events
        api_metrics.billable_metric_id is not null as has_filters,
        api_metrics.metric_sql is not null as is_sql,
        api_metrics.event_type_filter,
        api_metrics.property_filters
    from api_metrics
    full outer join export_metrics
        on api_metrics.billable_metric_id = export_metrics.billable_metric_id
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
    not is_sql
    and (
        aggregation_type = 'count'
        or (aggregation_type in ('sum', 'max', 'latest', 'unique') and aggregation_key is not null)
    ) as is_computable
from united
