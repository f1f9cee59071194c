-- One row per customer and pricing unit that was billed by the as-of instant: the newest such invoice,
-- by the end of its period, then by its issue.
with

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id, pricing_unit
            order by period_end_at desc nulls last, issued_at desc nulls last, invoice_id asc
        ) as recency
    from {{ ref('int_invoices_classified') }}
    where is_billed and issued_at <= {{ as_of() }}
)

select
    customer_id,
    pricing_unit,
    invoice_id,
    issued_at,
    total_amount,
    external_status
from ranked
where recency = 1
