-- One row per customer and pricing unit that has drafts whose period is over: not finalized yet, while
-- the next draft runs already.
select
    customer_id,
    pricing_unit,
    {{ joined_texts('invoice_id') }} as grace_invoice_id,
    cast(sum(total_amount) as {{ amount_type() }}) as grace_invoice_amount
from {{ ref('int_invoices_classified') }}
where
    is_counted
    and invoice_status = 'DRAFT'
    and {{ is_usage('invoice_type') }}
    and period_end_at <= {{ as_of() }}
group by customer_id, pricing_unit
