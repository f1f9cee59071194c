-- One row per customer and pricing unit that has current invoices, or a fallback: their sums.
with

current_invoices as (
    select * from {{ ref('int_invoices_current') }}
),

invoices_summed as (
    select * from {{ ref('int_invoices_summed') }}
)

select
    current_invoices.customer_id,
    current_invoices.pricing_unit,
    count(*) as current_invoices,
    {{ joined_texts('current_invoices.invoice_id') }} as current_invoice_id,
    {{ joined_texts('current_invoices.invoice_status') }} as current_invoice_status,
    {{ any_true('current_invoices.is_fallback') }} as current_invoice_is_fallback,
    min(current_invoices.period_start_at) as billing_period_start_at,
    max(current_invoices.period_end_at) as billing_period_end_at,
    {{ joined_texts('current_invoices.plan_name') }} as plan_name,
    cast(sum(current_invoices.total_amount) as {{ amount_type() }}) as invoice_balance_amount,
    cast(coalesce(sum(invoices_summed.gross_usage_amount), 0) as {{ amount_type() }}) as gross_usage_amount,
    cast(coalesce(sum(invoices_summed.applied_credit_amount), 0) as {{ amount_type() }})
        as applied_credit_amount
from current_invoices
left join invoices_summed on current_invoices.invoice_id = invoices_summed.invoice_id
group by current_invoices.customer_id, current_invoices.pricing_unit
