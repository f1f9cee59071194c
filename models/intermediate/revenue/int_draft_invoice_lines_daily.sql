-- One row per line of an open invoice and day with a drafts snapshot.
with

drafts as (
    select * from {{ ref('int_draft_invoices_daily') }}
),

export_lines as (
    select * from {{ ref('int_export_lines_classified') }}
    where snapshot_at is not null
),

api_lines as (
    select * from {{ ref('int_invoice_lines_combined') }}
)

select
    drafts.snapshot_date,
    export_lines.invoice_id,
    export_lines.line_kind,
    export_lines.product_id,
    export_lines.commit_id as balance_id,
    {{ pricing_unit('export_lines.source_pricing_unit') }} as pricing_unit,
    {{ major_amount('export_lines.total', 'export_lines.source_pricing_unit') }} as amount,
    {{ pricing_unit('export_lines.source_pricing_unit') }} = drafts.pricing_unit
    and not export_lines.is_postpaid_application as is_in_invoice_total
from export_lines
inner join drafts
    on
        export_lines.invoice_id = drafts.invoice_id
        and export_lines.snapshot_at = drafts.snapshot_at
union all
select
    drafts.snapshot_date,
    api_lines.invoice_id,
    api_lines.line_kind,
    api_lines.product_id,
    api_lines.balance_id,
    api_lines.pricing_unit,
    api_lines.amount,
    api_lines.is_in_invoice_total
from api_lines
inner join drafts on api_lines.invoice_id = drafts.invoice_id
where drafts.snapshot_at is null  -- drafts of the API
