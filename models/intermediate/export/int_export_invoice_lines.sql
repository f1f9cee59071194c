-- One row per line of an export invoice. The lines of a draft come from the snapshot of the draft.
with

invoices as (
    select * from {{ ref('int_export_invoices') }}
),

lines as (
    select * from {{ ref('int_export_lines_classified') }}
)

select
    lines.line_item_id,
    lines.invoice_id,
    lines.product_id,
    lines.credit_grant_id,
    lines.commit_id,
    lines.line_name,
    lines.source_pricing_unit,
    lines.quantity,
    lines.unit_price,
    lines.total,
    lines.starting_at,
    lines.ending_before,
    lines.line_kind,
    lines.is_postpaid_application
from lines
left join invoices
    on
        lines.invoice_id = invoices.invoice_id
        and lines.snapshot_at = invoices.snapshot_at
where lines.snapshot_at is null or invoices.invoice_id is not null
