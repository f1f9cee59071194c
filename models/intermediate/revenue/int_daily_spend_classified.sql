-- One row per line of a day of an invoice that is included in totals, with what it is for. A line that takes off
-- is for what its product was charged for on the same invoice. Postpaid applications take nothing off: they are
-- left out.
with

lines as {{ not_materialized() }} (
    select * from {{ ref('int_invoice_breakdown_lines_classified') }}
),

invoices as (
    select * from {{ ref('int_invoices_classified') }}
),

charged_for as (
    select
        invoice_id,
        product_id,
        pricing_unit,
        max(line_kind) as line_kind
    from lines
    where line_kind <> 'applied_commit_or_credit'
    group by invoice_id, product_id, pricing_unit
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
    case
        when lines.line_kind <> 'applied_commit_or_credit' then lines.line_kind
        else coalesce(charged_for.line_kind, 'adjustment')
    end as spend_kind,
    lines.pricing_unit,
    lines.is_in_invoice_total,
    lines.amount
from lines
inner join invoices on lines.invoice_id = invoices.invoice_id
left join charged_for
    on
        lines.invoice_id = charged_for.invoice_id
        and lines.product_id is not distinct from charged_for.product_id
        and lines.pricing_unit = charged_for.pricing_unit
where lines.is_in_invoice_total or lines.pricing_unit <> invoices.pricing_unit
