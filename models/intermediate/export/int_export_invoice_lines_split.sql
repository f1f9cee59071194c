-- One row per line of an export invoice, at the finest level: a sub line, or a line without sub lines.
with

lines as (
    select * from {{ ref('int_export_invoice_lines') }}
),

sub_lines as (
    select * from {{ ref('stg_metronome_export__sub_line_items') }}
)

select
    coalesce(sub_lines.sub_line_item_id, lines.line_item_id) as invoice_line_id,
    lines.invoice_id,
    lines.line_kind,
    lines.product_id,
    lines.line_name,
    coalesce(sub_lines.sub_line_name, lines.line_name) as description,
    sub_lines.charge_id,
    sub_lines.billable_metric_id,
    lines.commit_id as balance_id,
    lines.credit_grant_id,
    lines.source_pricing_unit,
    coalesce(sub_lines.quantity, lines.quantity) as quantity,
    case when sub_lines.line_item_id is null then lines.unit_price end as unit_price,
    coalesce(sub_lines.subtotal, lines.total) as total,
    sub_lines.tiers,
    lines.is_postpaid_application,
    lines.starting_at,
    lines.ending_before
from lines
left join sub_lines on lines.line_item_id = sub_lines.line_item_id
