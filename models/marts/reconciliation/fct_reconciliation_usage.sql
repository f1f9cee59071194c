-- One row per charge for metered usage on a finalized invoice of the export.
with

charges as (
    select * from {{ ref('int_reconciliation_charges') }}
),

metrics as (
    select * from {{ ref('int_reconciliation_metrics') }}
),

selectable_metrics as (
    select distinct billable_metric_id from {{ ref('int_reconciliation_metric_events') }}
),

compared as (
    select * from {{ ref('int_reconciliation_charges_compared') }}
),

environments as (
    select distinct environment_type from {{ ref('fct_usage_events') }}
),

joined as (
    select
        charges.*,
        metrics.billable_metric_name,
        coalesce(metrics.unit_of_measure, 'not known') as unit_of_measure,
        case
            when environments.environment_type is null then 'the export has no events'
            when metrics.billable_metric_id is null then 'the metric is not known'
            when not coalesce(metrics.is_computable, false) then 'the metric cannot be computed'
            when charges.is_quantity_converted then 'the quantity is converted'
            when selectable_metrics.billable_metric_id is null then 'the events of the metric cannot be selected'
        end as not_comparable_because,
        compared.events,
        compared.events_quantity,
        compared.is_equal
    from charges
    inner join compared on charges.charge_id = compared.charge_id
    left join metrics on charges.billable_metric_id = metrics.billable_metric_id
    left join selectable_metrics on charges.billable_metric_id = selectable_metrics.billable_metric_id
    left join environments on charges.environment_type = environments.environment_type
)

select
    charge_id,
    invoice_id,
    environment_type,
    customer_id,
    charge_name,
    billable_metric_id,
    billable_metric_name,
    unit_of_measure,
    period_start_at,
    period_end_at,
    case
        when not_comparable_because is not null then 'not comparable'
        when is_equal then 'equal'
        else 'different'
    end as outcome,
    not_comparable_because,
    quantity as invoice_quantity,
    case when not_comparable_because is null then events end as events,
    case when not_comparable_because is null then events_quantity end as events_quantity,
    case
        when not_comparable_because is not null then null
        when is_equal then 0
        else {{ quantity_difference('quantity', 'events_quantity') }}
    end as difference
from joined
