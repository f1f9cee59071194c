-- Fails for each customer and pricing unit whose outstanding amount in fct_outstanding_ageing is not that in
-- fct_customer_balances. Part of an export can have invoices without their customer: those are left out.
with

ageing as (
    select
        customer_id,
        pricing_unit,
        sum(outstanding_amount) as ageing_amount
    from {{ ref('fct_outstanding_ageing') }}
    where customer_id in (select customer_id from {{ ref('dim_customers') }})
    group by customer_id, pricing_unit
),

balances as (
    select
        customer_id,
        pricing_unit,
        outstanding_amount
    from {{ ref('fct_customer_balances') }}
)

select
    coalesce(balances.customer_id, ageing.customer_id) as customer_id,
    coalesce(balances.pricing_unit, ageing.pricing_unit) as pricing_unit,
    balances.outstanding_amount,
    ageing.ageing_amount
from balances
full outer join ageing
    on balances.customer_id = ageing.customer_id and balances.pricing_unit = ageing.pricing_unit
where coalesce(balances.outstanding_amount, 0) <> coalesce(ageing.ageing_amount, 0)
