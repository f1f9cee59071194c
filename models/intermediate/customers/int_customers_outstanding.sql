-- One row per customer and pricing unit that has outstanding invoices issued by the as-of instant.
with

invoices as (
    select
        *,
        due_at < {{ as_of() }} as is_overdue
    from {{ ref('int_invoices_classified') }}
    where is_outstanding and issued_at <= {{ as_of() }}
)

select
    customer_id,
    pricing_unit,
    count(*) as outstanding_invoices,
    sum(case when is_payment_status_known then 0 else 1 end) as unconfirmed_invoices,
    sum(case when is_payment_failed then 1 else 0 end) as failed_invoices,
    {{ joined_texts('billing_provider_error') }} as billing_provider_error,
    cast(sum(total_amount) as {{ amount_type() }}) as outstanding_amount,
    -- one invoice without a known due date, and the sum would not be complete
    case
        when count(due_at) = count(*)
            then cast(sum(case when is_overdue then total_amount else 0 end) as {{ amount_type() }})
    end as overdue_amount,
    min(due_at) as oldest_due_at
from invoices
group by customer_id, pricing_unit
