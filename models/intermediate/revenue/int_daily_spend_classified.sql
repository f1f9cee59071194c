-- One row per line of a daily breakdown of an invoice that is included in totals, with the kind of spend. A line that
-- applies a commit or credit has the kind of the charges that it pays for. Applications of postpaid commits do not
-- change the total and are excluded.
with

lines as (
    select
        *,
        case when line_kind <> 'applied_commit_or_credit' then line_kind end as charge_kind
    from {{ ref('int_invoice_breakdown_lines_classified') }}
),

lines_and_charges as (
    select
        *,
        {{ paid_for_kind('charge_kind', usage_kind='usage', invoice=['invoice_id']) }} as paid_for_kind
    from lines
),

invoices as (
    select * from {{ ref('int_invoices_classified') }}
)

select
    lines.invoice_id,
    lines.breakdown_date as spend_date,
    invoices.environment_type,
    invoices.customer_id,
    invoices.contract_id,
    invoices.plan_id,
    invoices.invoice_status,
    lines.product_id,
    coalesce(lines.charge_kind, lines.paid_for_kind, 'adjustment') as spend_kind,
    lines.pricing_unit,
    lines.is_in_invoice_total,
    lines.amount
from lines_and_charges as lines
inner join invoices on lines.invoice_id = invoices.invoice_id
where lines.is_in_invoice_total or lines.pricing_unit <> invoices.pricing_unit
