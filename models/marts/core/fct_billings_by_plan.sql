-- One row per billing month, environment, plan and pricing unit, with the billed amount.
select
    billing_month,
    environment_type,
    plan_id,
    max(plan_name) as plan_name,  -- one name, unless no list of plans was loaded and the invoices differ
    plan_kind,
    pricing_unit,
    cast(count(distinct customer_id) as integer) as customers,
    cast(count(*) as integer) as invoices,
    {{ sum_amounts('total_amount') }} as billed_amount
from {{ ref('fct_invoices') }}
where is_billed
group by
    billing_month,
    environment_type,
    plan_id,
    plan_kind,
    pricing_unit
