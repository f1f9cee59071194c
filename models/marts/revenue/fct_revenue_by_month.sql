-- One row per month, environment, revenue kind and pricing unit, with billed, recognized and accrued revenue.
with

recognized as (
    select * from {{ ref('fct_recognized_revenue') }}
),

accrued as (
    select * from {{ ref('fct_accrued_revenue') }}
    where snapshot_date <= {{ as_of_date() }}
),

invoices as (
    select * from {{ ref('fct_invoices') }}
),

newest_snapshots as (
    select
        environment_type,
        max(snapshot_date) as snapshot_date
    from accrued
    group by environment_type
),

revenue as (
    select
        revenue_month,
        environment_type,
        revenue_kind,
        pricing_unit,
        billed_amount,
        recognized_amount,
        0 as accrued_amount
    from recognized
    union all
    -- the month of the open invoice; a draft of a past snapshot can have none
    select
        coalesce(invoices.billing_month, {{ first_of_month('accrued.snapshot_date') }}) as revenue_month,
        accrued.environment_type,
        accrued.revenue_kind,
        accrued.pricing_unit,
        0 as billed_amount,
        0 as recognized_amount,
        accrued.accrued_amount
    from accrued
    inner join newest_snapshots
        on
            accrued.environment_type is not distinct from newest_snapshots.environment_type
            and accrued.snapshot_date = newest_snapshots.snapshot_date
    left join invoices on accrued.invoice_id = invoices.invoice_id
),

summed as (
    select
        revenue_month,
        environment_type,
        revenue_kind,
        pricing_unit,
        {{ sum_amounts('billed_amount') }} as billed_amount,
        {{ sum_amounts('recognized_amount') }} as recognized_amount,
        {{ sum_amounts('accrued_amount') }} as accrued_amount
    from revenue
    group by revenue_month, environment_type, revenue_kind, pricing_unit
)

select
    summed.revenue_month,
    summed.environment_type,
    summed.revenue_kind,
    summed.pricing_unit,
    summed.billed_amount,
    summed.recognized_amount,
    -- null if no source carries drafts
    case when newest_snapshots.snapshot_date is not null then summed.accrued_amount end as accrued_amount,
    newest_snapshots.snapshot_date as accrued_on
from summed
left join newest_snapshots
    on summed.environment_type is not distinct from newest_snapshots.environment_type
where summed.billed_amount <> 0 or summed.recognized_amount <> 0 or summed.accrued_amount <> 0
