-- One row per line of an export draft that applies a credit grant. It is a pending deduction, dated at the end of the
-- draft's period.
select
    lines.line_item_id,
    lines.credit_grant_id,
    lines.invoice_id,
    lines.line_name,
    lines.total,
    invoices.period_end_at as effective_at
from {{ ref('int_export_invoice_lines') }} as lines
inner join {{ ref('int_export_invoices') }} as invoices on lines.invoice_id = invoices.invoice_id
where
    lines.credit_grant_id is not null
    and invoices.snapshot_at is not null
