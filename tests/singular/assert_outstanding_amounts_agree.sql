-- Fails for each customer and pricing unit whose outstanding or overdue amount in fct_outstanding_ageing is not that in
-- fct_customer_balances. An unknown due date makes the overdue amount null, so it is not compared. Part of an export
-- can have invoices without their customer: those are left out.
with

ageing as (
    select
        customer_id,
        pricing_unit,
        outstanding_amount,
        case
            when no_due_date_amount = 0 then {{ as_amount('outstanding_amount - not_due_amount') }}
        end as overdue_amount
    from {{ ref('fct_outstanding_ageing') }}
    where customer_id in (select customer_id from {{ ref('dim_customers') }})
),

balances as (
    select
        customer_id,
        pricing_unit,
        outstanding_amount,
        overdue_amount
    from {{ ref('fct_customer_balances') }}
)

select
    coalesce(balances.customer_id, ageing.customer_id) as customer_id,
    coalesce(balances.pricing_unit, ageing.pricing_unit) as pricing_unit,
    balances.outstanding_amount,
    ageing.outstanding_amount as ageing_amount,
    balances.overdue_amount,
    ageing.overdue_amount as ageing_overdue_amount
from balances
full outer join ageing
    on balances.customer_id = ageing.customer_id and balances.pricing_unit = ageing.pricing_unit
where
    not {{ equal_amounts('coalesce(balances.outstanding_amount, 0)', 'coalesce(ageing.outstanding_amount, 0)') }}
    or not {{ equal_amounts('coalesce(balances.overdue_amount, 0)', 'coalesce(ageing.overdue_amount, 0)') }}
