-- One row per current invoice of a customer and pricing unit. A current invoice has a period that contains the as-of
-- instant. There is one per contract. Without one, the fallback is the latest invoice that was issued. A draft that
-- covers the instant is current even if Metronome has not computed it yet. No older invoice replaces it.
with

invoices as (
    select * from {{ ref('int_invoices_classified') }}
    where is_included_in_totals or (invoice_status = 'DRAFT_INCOMPLETE' and not is_constituent)
),

covering as (
    select
        *,
        false as is_fallback,
        1 as recency
    from invoices
    where
        {{ is_usage('invoice_type') }}
        and period_start_at <= {{ as_of() }}
        and {{ as_of() }} < period_end_at
),

latest_issued as (
    select
        invoices.*,
        true as is_fallback,
        row_number() over (
            partition by invoices.customer_id, invoices.pricing_unit
            order by
                invoices.period_end_at desc nulls last,
                invoices.issued_at desc nulls last,
                invoices.invoice_id asc
        ) as recency
    from invoices
    left join covering
        on
            invoices.customer_id = covering.customer_id
            and invoices.pricing_unit = covering.pricing_unit
    where
        covering.invoice_id is null
        and invoices.is_included_in_totals
        -- this also excludes future scheduled charges, which can be drafts for years
        and invoices.issued_at <= {{ as_of() }}
),

current_or_latest as (
    select * from covering
    union all
    select * from latest_issued
)

select
    invoice_id,
    customer_id,
    pricing_unit,
    invoice_status,
    plan_name,
    period_start_at,
    period_end_at,
    total_amount,
    is_fallback
from current_or_latest
where recency = 1
