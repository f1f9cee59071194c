-- One row per month, environment, customer, contract or plan, product, revenue kind and pricing unit.
with

lines as (
    select * from {{ ref('int_revenue_lines_classified') }}
    where snapshot_date is null
),

-- An expiry belongs to the last month that the commit covers. A commit until 1 April expires in March.
expired as (
    select
        environment_type,
        customer_id,
        contract_id,
        pricing_unit,
        case
            when effective_at = date_trunc('month', effective_at) then {{ first_of_month('effective_at', -1) }}
            else {{ first_of_month('effective_at') }}
        end as expiry_month,
        -amount as expired_amount
    from {{ ref('fct_balance_ledger') }}
    where
        balance_type = 'PREPAID'
        and is_expiry
        and not is_pending
),

products as (
    select * from {{ ref('dim_products') }}
),

lines_and_expired as (
    select
        billing_month as revenue_month,
        environment_type,
        customer_id,
        contract_id,
        plan_id,
        product_id,
        revenue_kind,
        pricing_unit,
        invoiced_amount as billed_amount,
        revenue_amount as recognized_amount
    from lines
    union all
    select
        expiry_month as revenue_month,
        environment_type,
        customer_id,
        contract_id,
        cast(null as string) as plan_id,
        cast(null as string) as product_id,
        'commit_expiry' as revenue_kind,
        pricing_unit,
        0 as billed_amount,
        expired_amount as recognized_amount
    from expired
)

select
    lines_and_expired.revenue_month,
    lines_and_expired.environment_type,
    lines_and_expired.customer_id,
    lines_and_expired.contract_id,
    lines_and_expired.plan_id,
    lines_and_expired.product_id,
    products.product_name,
    lines_and_expired.revenue_kind,
    lines_and_expired.pricing_unit,
    {{ sum_amounts('lines_and_expired.billed_amount') }} as billed_amount,
    {{ sum_amounts('lines_and_expired.recognized_amount') }} as recognized_amount
from lines_and_expired
left join products on lines_and_expired.product_id = products.product_id
group by
    lines_and_expired.revenue_month,
    lines_and_expired.environment_type,
    lines_and_expired.customer_id,
    lines_and_expired.contract_id,
    lines_and_expired.plan_id,
    lines_and_expired.product_id,
    products.product_name,
    lines_and_expired.revenue_kind,
    lines_and_expired.pricing_unit
