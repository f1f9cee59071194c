-- One row per billable metric.
select
    billable_metric_id,
    billable_metric_name,
    aggregation_type,
    archived_at
from {{ ref('int_billable_metrics_combined') }}
