-- One row per customer and pricing unit that was ever billed: the last month that is complete at the
-- as-of instant, and the one before it.
with

invoices as (
    select
        *,
        billing_month = {{ first_of_month(as_of(), -1) }} as is_of_last_month,
        billing_month = {{ first_of_month(as_of(), -2) }} as is_of_month_before
    from {{ ref('int_invoices_classified') }}
    where is_billed
)

select
    customer_id,
    pricing_unit,
    cast(sum(case when is_of_last_month then total_amount else 0 end) as {{ amount_type() }})
        as billed_last_month_amount,
    cast(sum(case when is_of_month_before then total_amount else 0 end) as {{ amount_type() }})
        as billed_month_before_amount
from invoices
group by customer_id, pricing_unit
