-- Fails for each open invoice and day whose total is not its drafted amount in fct_accrued_revenue.
with

drafts as (
    select * from {{ ref('int_draft_invoices_daily') }}
),

accrued as (
    select
        snapshot_date,
        invoice_id,
        {{ sum_amounts('drafted_amount') }} as drafted_amount
    from {{ ref('fct_accrued_revenue') }}
    group by snapshot_date, invoice_id
)

select
    drafts.snapshot_date,
    drafts.invoice_id,
    drafts.total_amount,
    coalesce(accrued.drafted_amount, 0) as drafted_amount
from drafts
left join accrued
    on
        drafts.snapshot_date = accrued.snapshot_date
        and drafts.invoice_id = accrued.invoice_id
where not {{ equal_amounts('drafts.total_amount', 'coalesce(accrued.drafted_amount, 0)') }}
