-- One row per line of an invoice, at the finest level.
with

lines as (
    select * from {{ ref('int_invoice_lines_combined') }}
),

invoices as (
    select * from {{ ref('fct_invoices') }}
),

products as (
    select * from {{ ref('dim_products') }}
)

select
    lines.invoice_line_id,
    lines.invoice_id,
    invoices.environment_type,
    invoices.customer_id,
    lines.line_kind,
    lines.product_id,
    products.product_name,
    lines.description,
    lines.charge_id,
    lines.billable_metric_id,
    lines.balance_id,
    lines.credit_grant_id,
    lines.quantity,
    lines.unit_price,
    lines.amount,
    lines.pricing_unit,
    lines.is_in_invoice_total,
    lines.starting_at,
    lines.ending_before,
    cast(
        row_number() over (
            partition by lines.invoice_id
            order by
                products.product_name asc nulls last,
                lines.description asc nulls last,
                lines.starting_at asc nulls first,
                lines.amount desc,
                lines.invoice_line_id asc
        ) as integer
    ) as line_number
from lines
inner join invoices on lines.invoice_id = invoices.invoice_id
left join products on lines.product_id = products.product_id
