-- One row per invoice line of either source that has sub lines, with its total, the sum of its sub lines, and their
-- difference.
with

api_lines as (
    select
        'api' as source,
        lines.invoice_id,
        cast(lines.line_number as string) as line_id,
        {{ major_amount('lines.total', 'lines.source_pricing_unit') }} as line_amount,
        {{ major_amount(sum_source_amounts('sub_lines.subtotal'), 'lines.source_pricing_unit') }} as sub_lines_amount
    from {{ ref('stg_metronome_api__invoice_line_items') }} as lines
    inner join {{ ref('stg_metronome_api__invoice_sub_line_items') }} as sub_lines
        on
            lines.invoice_id = sub_lines.invoice_id
            and lines.line_number = sub_lines.line_number
    group by lines.invoice_id, lines.line_number, lines.total, lines.source_pricing_unit
),

export_sub_lines as (
    select
        line_item_id,
        {{ sum_source_amounts('subtotal') }} as subtotal
    from {{ ref('stg_metronome_export__sub_line_items') }}
    group by line_item_id
),

export_lines as (
    select
        'export' as source,
        lines.invoice_id,
        lines.line_item_id as line_id,
        {{ major_amount('lines.total', 'lines.source_pricing_unit') }} as line_amount,
        {{ major_amount('sub_lines.subtotal', 'lines.source_pricing_unit') }} as sub_lines_amount
    from {{ ref('stg_metronome_export__line_items') }} as lines
    inner join export_sub_lines as sub_lines on lines.line_item_id = sub_lines.line_item_id
),

all_lines as (
    select * from api_lines
    union all
    select * from export_lines
)

select
    source,
    invoice_id,
    line_id,
    line_amount,
    sub_lines_amount,
    {{ amount_difference('line_amount', 'sub_lines_amount') }} as difference_amount
from all_lines
