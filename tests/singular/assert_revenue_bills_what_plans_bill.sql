-- Fails for each month, environment, plan and pricing unit whose billed amount in fct_recognized_revenue is not that in
-- fct_billings_by_plan.
with

amounts as (
    select
        revenue_month as billing_month,
        environment_type,
        plan_id,
        pricing_unit,
        billed_amount as revenue_amount,
        null as plans_amount
    from {{ ref('fct_recognized_revenue') }}
    union all
    select
        billing_month,
        environment_type,
        plan_id,
        pricing_unit,
        null as revenue_amount,
        billed_amount as plans_amount
    from {{ ref('fct_billings_by_plan') }}
),

summed as (
    select
        billing_month,
        environment_type,
        plan_id,
        pricing_unit,
        coalesce({{ sum_amounts('revenue_amount') }}, 0) as revenue_amount,
        coalesce({{ sum_amounts('plans_amount') }}, 0) as plans_amount
    from amounts
    group by billing_month, environment_type, plan_id, pricing_unit
)

select * from summed
where not {{ equal_amounts('revenue_amount', 'plans_amount') }}
