-- Warns for each invoice line whose quantity or amount is not the sum of its price tiers, if it has any.
-- No total uses the tiers.
{{ config(severity='warn') }}

select
    lines.invoice_line_id,
    lines.quantity,
    lines.amount,
    sum(tiers.quantity) as tiers_quantity,
    sum(tiers.amount) as tiers_amount
from {{ ref('fct_invoice_lines') }} as lines
inner join {{ ref('fct_invoice_line_tiers') }} as tiers
    on lines.invoice_line_id = tiers.invoice_line_id
group by lines.invoice_line_id, lines.quantity, lines.amount
having
    lines.quantity <> sum(tiers.quantity)
    or not {{ equal_amounts('lines.amount', 'sum(tiers.amount)') }}
