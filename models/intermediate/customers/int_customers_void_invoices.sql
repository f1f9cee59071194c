-- One row per customer and pricing unit that has voided invoices issued by the as-of instant. They
-- count nowhere else; a successor is an invoice of its own.
select
    customer_id,
    pricing_unit,
    count(*) as void_invoices,
    cast(sum(total_amount) as {{ amount_type() }}) as void_amount
from {{ ref('int_invoices_classified') }}
where
    invoice_status = 'VOID'
    and not is_constituent
    and issued_at <= {{ as_of() }}
group by customer_id, pricing_unit
