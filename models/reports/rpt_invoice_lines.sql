-- One row per line of the month's invoices, of the requested customer or of all customers.
select
    invoices.invoice_id,
    invoices.customer_id,
    customers.customer_name,
    invoices.plan_name,
    invoices.invoice_status,
    invoices.period_start_at as period_start,
    invoices.period_end_at as period_end,
    lines.line_number,
    lines.product_name,
    lines.description,
    lines.quantity,
    lines.unit_price,
    lines.amount as total,
    lines.pricing_unit,
    invoices.total_amount as invoice_total,
    lines.is_in_invoice_total,
    lines.line_kind,
    invoices.issued_at
from {{ ref('fct_invoice_lines') }} as lines
inner join {{ ref('fct_invoices') }} as invoices on lines.invoice_id = invoices.invoice_id
left join {{ ref('dim_customers') }} as customers on invoices.customer_id = customers.customer_id
inner join {{ ref('report_parameters') }} as arguments
    on
        invoices.environment_type is not distinct from arguments.environment_type
        and {{ month_text('invoices.billing_month') }} = arguments.billing_month
        and (arguments.customer = '' or invoices.customer_id = arguments.customer_id)
where invoices.is_included_in_totals
