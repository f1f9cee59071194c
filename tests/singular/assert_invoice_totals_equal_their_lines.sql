-- Fails for each invoice whose total is not exactly the sum of its finest lines that count: lines in
-- its own unit, without applications of postpaid commits. An invoice without lines has the sum 0.
select
    invoices.invoice_id,
    invoices.total_amount,
    coalesce(sum(lines.amount), 0) as lines_amount
from {{ ref('fct_invoices') }} as invoices
left join {{ ref('fct_invoice_lines') }} as lines
    on
        invoices.invoice_id = lines.invoice_id
        and lines.is_in_invoice_total
group by invoices.invoice_id, invoices.total_amount
having invoices.total_amount <> coalesce(sum(lines.amount), 0)
