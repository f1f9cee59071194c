-- One row per billable metric, event type and property value whose events the metric counts. The filters in the API
-- select the events. Without the API, the name of the metric does. A metric whose events cannot be selected has no row.
select
    billable_metric_id,
    event_type,
    property_name,
    property_value,
    is_folded,
    other_filters
from {{ ref('int_reconciliation_metric_events_by_filter') }}
union all
select
    billable_metric_id,
    event_type,
    property_name,
    property_value,
    is_folded,
    other_filters
from {{ ref('int_reconciliation_metric_events_by_name') }}
