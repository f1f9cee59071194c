-- Warns for each finalized unbillable invoice that draws down a prepaid commit. The customer paid for the commit, but
-- revenue does not include the draw-down.
{{ config(severity='warn') }}

select
    invoices.invoice_id,
    lines.balance_id,
    lines.pricing_unit,
    {{ sum_amounts('lines.amount') }} as amount
from {{ ref('int_invoices_classified') }} as invoices
inner join {{ ref('int_invoice_lines_combined') }} as lines on invoices.invoice_id = lines.invoice_id
inner join {{ ref('int_balances_combined') }} as balances on lines.balance_id = balances.balance_id
where
    invoices.is_unbillable
    and invoices.invoice_status = 'FINALIZED'
    and lines.line_kind = 'applied_commit_or_credit'
    and balances.balance_type = 'PREPAID'
group by invoices.invoice_id, lines.balance_id, lines.pricing_unit
