-- Fails for each month, environment, plan and pricing unit whose billed amount in fct_recognized_revenue is not
-- exactly that in fct_billings_by_plan.
with

amounts as (
    select
        revenue_month as billing_month,
        environment_type,
        plan_id,
        pricing_unit,
        billed_amount
    from {{ ref('fct_recognized_revenue') }}
    union all
    select
        billing_month,
        environment_type,
        plan_id,
        pricing_unit,
        -billed_amount as billed_amount
    from {{ ref('fct_billings_by_plan') }}
)

select
    billing_month,
    environment_type,
    plan_id,
    pricing_unit,
    sum(billed_amount) as difference
from amounts
group by billing_month, environment_type, plan_id, pricing_unit
having sum(billed_amount) <> 0
