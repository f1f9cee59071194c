-- Fails for each invoice and pricing unit of its lines, other than its own unit, that no line converts. No total
-- includes such lines. Severity is warn because the total of the invoice is what is billed.
{{ config(severity='warn') }}

with

lines as (
    select * from {{ ref('int_invoice_lines_combined') }}
),

invoices as (
    select * from {{ ref('int_invoices_combined') }}
),

converted as (
    select distinct invoice_id from lines
    where line_kind = 'conversion' and is_in_invoice_total
)

select
    invoices.invoice_id,
    invoices.pricing_unit,
    lines.pricing_unit as other_unit,
    {{ sum_amounts('lines.amount') }} as amount
from lines
inner join invoices on lines.invoice_id = invoices.invoice_id
left join converted on lines.invoice_id = converted.invoice_id
where
    lines.pricing_unit <> invoices.pricing_unit
    and converted.invoice_id is null
group by invoices.invoice_id, invoices.pricing_unit, lines.pricing_unit
having {{ sum_amounts('lines.amount') }} <> 0
