-- One row per customer and pricing unit with outstanding invoices, with amounts by age.
with

invoices as (
    select * from {{ ref('fct_outstanding_invoices') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

amounts as (
    select
        *,
        case when ageing_bucket = 'not due' then outstanding_amount else 0 end as not_due,
        case when ageing_bucket = '1-30 days' then outstanding_amount else 0 end as overdue_1_30_days,
        case when ageing_bucket = '31-60 days' then outstanding_amount else 0 end as overdue_31_60_days,
        case when ageing_bucket = '61-90 days' then outstanding_amount else 0 end as overdue_61_90_days,
        case when ageing_bucket = 'over 90 days' then outstanding_amount else 0 end as overdue_over_90_days,
        case when ageing_bucket = 'no due date' then outstanding_amount else 0 end as no_due_date
    from invoices
)

select
    amounts.customer_id,
    customers.customer_name,
    amounts.environment_type,
    amounts.pricing_unit,
    cast(count(*) as integer) as outstanding_invoices,
    {{ sum_amounts('amounts.outstanding_amount') }} as outstanding_amount,
    {{ sum_amounts('amounts.not_due') }} as not_due_amount,
    {{ sum_amounts('amounts.overdue_1_30_days') }} as overdue_1_30_days_amount,
    {{ sum_amounts('amounts.overdue_31_60_days') }} as overdue_31_60_days_amount,
    {{ sum_amounts('amounts.overdue_61_90_days') }} as overdue_61_90_days_amount,
    {{ sum_amounts('amounts.overdue_over_90_days') }} as overdue_over_90_days_amount,
    {{ sum_amounts('amounts.no_due_date') }} as no_due_date_amount,
    min(amounts.due_at) as oldest_due_at
from amounts
left join customers on amounts.customer_id = customers.customer_id
group by amounts.customer_id, customers.customer_name, amounts.environment_type, amounts.pricing_unit
