-- One row per charge for metered usage on a finalized invoice of the export, with the events of its period, and whether
-- their quantity is the quantity of the charge.
with

charges as (
    select * from {{ ref('int_reconciliation_charges') }}
),

usage as (
    select * from {{ ref('int_reconciliation_usage') }}
),

joined as (
    select
        charges.charge_id,
        charges.quantity,
        coalesce(usage.events, 0) as events,
        coalesce(usage.quantity, 0) as events_quantity
    from charges
    left join usage
        on
            charges.environment_type = usage.environment_type
            and charges.customer_id = usage.customer_id
            and charges.billable_metric_id = usage.billable_metric_id
            and charges.period_start_at = usage.period_start_at
            and charges.period_end_at = usage.period_end_at
)

select
    charge_id,
    events,
    events_quantity,
    {{ equal_amounts('quantity', 'events_quantity') }} as is_equal
from joined
