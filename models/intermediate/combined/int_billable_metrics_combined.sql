-- One row per billable metric of either source.
with

api_metrics as (
    select * from {{ ref('stg_metronome_api__billable_metrics') }}
),

export_metrics as (
    select * from {{ ref('stg_metronome_export__billable_metrics') }}
)

select
    case when api_metrics.billable_metric_id is not null then 'api' else 'export' end as source,
    coalesce(api_metrics.billable_metric_id, export_metrics.billable_metric_id) as billable_metric_id,
    coalesce(api_metrics.billable_metric_name, export_metrics.billable_metric_name) as billable_metric_name,
    coalesce(api_metrics.aggregation_type, export_metrics.aggregation_type) as aggregation_type,
    coalesce(
        api_metrics.aggregation_key,
        case
            when {{ json_length('export_metrics.aggregate_keys') }} = 1
                then {{ json_text('export_metrics.aggregate_keys', '0') }}
        end
    ) as aggregation_key,
    api_metrics.metric_sql,
    api_metrics.event_type_filter,
    api_metrics.property_filters,
    case
        when api_metrics.billable_metric_id is not null then api_metrics.archived_at
        else export_metrics.archived_at
    end as archived_at
from api_metrics
full outer join export_metrics
    on api_metrics.billable_metric_id = export_metrics.billable_metric_id
