-- Fails for each invoice whose total is not the sum of its lines in its own unit, without applications of postpaid
-- commits. An invoice without lines has the sum 0. The test reads intermediate models, so a failure stops every mart
-- and report with invoices.
with

summed as (
    select
        invoices.invoice_id,
        invoices.total_amount,
        coalesce({{ sum_amounts('lines.amount') }}, 0) as lines_amount
    from {{ ref('int_invoices_combined') }} as invoices
    left join {{ ref('int_invoice_lines_combined') }} as lines
        on
            invoices.invoice_id = lines.invoice_id
            and lines.is_in_invoice_total
    where invoices.invoice_status <> 'DRAFT_INCOMPLETE'  -- its lines are not computed yet
    group by invoices.invoice_id, invoices.total_amount
)

select * from summed
where not {{ equal_amounts('total_amount', 'lines_amount') }}
