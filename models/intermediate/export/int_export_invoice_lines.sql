-- One row per line of an invoice of the export. The lines of a draft are from the same snapshot as the draft.
with

invoices as (
    select * from {{ ref('int_export_invoices') }}
),

lines as (
    select * from {{ ref('int_export_lines_classified') }}
)

select * from lines
where snapshot_at is null
union all
select lines.*
from lines
inner join invoices
    on
        lines.invoice_id = invoices.invoice_id
        and lines.snapshot_at = invoices.snapshot_at
