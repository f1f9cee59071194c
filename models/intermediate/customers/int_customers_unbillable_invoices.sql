-- One row per customer and pricing unit that has finalized unbillable invoices, issued by the as-of instant.
-- Nobody owes them.
select
    customer_id,
    pricing_unit,
    count(*) as unbillable_invoices,
    cast(sum(total_amount) as {{ amount_type() }}) as unbillable_amount
from {{ ref('int_invoices_classified') }}
where
    is_unbillable
    and invoice_status = 'FINALIZED'
    and not is_constituent
    and issued_at <= {{ as_of() }}
group by customer_id, pricing_unit
