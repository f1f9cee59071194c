-- One row per snapshot day, open invoice, product, revenue kind and pricing unit. Every day repeats all open
-- invoices: filter on one day, and never add days.
with

lines as (
    select * from {{ ref('int_revenue_lines_classified') }}
    where snapshot_date is not null
),

products as (
    select * from {{ ref('dim_products') }}
)

select
    lines.snapshot_date,
    lines.invoice_id,
    lines.environment_type,
    lines.customer_id,
    lines.contract_id,
    lines.plan_id,
    lines.product_id,
    products.product_name,
    lines.revenue_kind,
    lines.pricing_unit,
    {{ sum_amounts('lines.invoiced_amount') }} as drafted_amount,
    {{ sum_amounts('lines.revenue_amount') }} as accrued_amount
from lines
left join products on lines.product_id = products.product_id
group by
    lines.snapshot_date,
    lines.invoice_id,
    lines.environment_type,
    lines.customer_id,
    lines.contract_id,
    lines.plan_id,
    lines.product_id,
    products.product_name,
    lines.revenue_kind,
    lines.pricing_unit
