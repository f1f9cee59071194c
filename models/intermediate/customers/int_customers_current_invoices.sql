-- One row per customer and pricing unit with current invoices or a fallback, with their sums. A sum is null if one of
-- its parts is not known, such as the total of a draft that Metronome has not computed.
with

current_invoices as (
    select * from {{ ref('int_invoices_current') }}
),

invoices_summed as (
    select * from {{ ref('int_invoices_summed') }}
),

valued as (
    select
        current_invoices.*,
        coalesce(invoices_summed.gross_usage_amount, 0) as gross_usage_amount,
        coalesce(invoices_summed.applied_credit_amount, 0) as applied_credit_amount,
        current_invoices.total_amount
        = coalesce(invoices_summed.gross_usage_amount, 0) - coalesce(invoices_summed.applied_credit_amount, 0)
        or current_invoices.invoice_status <> 'DRAFT_INCOMPLETE' as are_lines_known
    from current_invoices
    left join invoices_summed on current_invoices.invoice_id = invoices_summed.invoice_id
)

select
    customer_id,
    pricing_unit,
    count(*) as current_invoices,
    {{ joined_texts('invoice_id') }} as current_invoice_id,
    {{ joined_texts('invoice_status') }} as current_invoice_status,
    {{ dbt.bool_or('is_fallback') }} as current_invoice_is_fallback,
    min(period_start_at) as billing_period_start_at,
    max(period_end_at) as billing_period_end_at,
    {{ joined_texts('plan_name') }} as plan_name,
    {{ complete_sum('total_amount', 'total_amount is not null') }} as invoice_balance_amount,
    {{ complete_sum('gross_usage_amount', 'are_lines_known') }} as gross_usage_amount,
    {{ complete_sum('applied_credit_amount', 'are_lines_known') }} as applied_credit_amount
from valued
group by customer_id, pricing_unit
