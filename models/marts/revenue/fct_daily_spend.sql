-- One row per day, customer, contract or plan, invoice status, product, spend kind and pricing unit.
with

lines as (
    select * from {{ ref('int_daily_spend_classified') }}
),

products as (
    select * from {{ ref('dim_products') }}
)

select
    lines.spend_date,
    lines.environment_type,
    lines.customer_id,
    lines.contract_id,
    lines.plan_id,
    lines.invoice_status,
    lines.product_id,
    products.product_name,
    lines.spend_kind,
    lines.pricing_unit,
    lines.is_in_invoice_total,
    {{ sum_amounts('case when lines.amount > 0 then lines.amount else 0 end') }} as usage_amount,
    -{{ sum_amounts('case when lines.amount < 0 then lines.amount else 0 end') }}
        as applied_credit_amount,
    {{ sum_amounts('lines.amount') }} as net_amount
from lines
left join products on lines.product_id = products.product_id
where lines.amount <> 0  -- the export may omit lines of 0
group by
    lines.spend_date,
    lines.environment_type,
    lines.customer_id,
    lines.contract_id,
    lines.plan_id,
    lines.invoice_status,
    lines.product_id,
    products.product_name,
    lines.spend_kind,
    lines.pricing_unit,
    lines.is_in_invoice_total
