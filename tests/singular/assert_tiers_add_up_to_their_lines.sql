-- Warns for each invoice line whose quantity or amount is not the sum of its price tiers, if it has any.
-- No total uses the tiers.
{{ config(severity='warn') }}

with

summed as (
    select
        lines.invoice_line_id,
        lines.quantity,
        lines.amount,
        {{ sum_quantities('tiers.quantity') }} as tiers_quantity,
        {{ sum_amounts('tiers.amount') }} as tiers_amount
    from {{ ref('fct_invoice_lines') }} as lines
    inner join {{ ref('fct_invoice_line_tiers') }} as tiers
        on lines.invoice_line_id = tiers.invoice_line_id
    group by lines.invoice_line_id, lines.quantity, lines.amount
)

select * from summed
where
    not {{ equal_amounts('quantity', 'tiers_quantity') }}
    or not {{ equal_amounts('amount', 'tiers_amount') }}
