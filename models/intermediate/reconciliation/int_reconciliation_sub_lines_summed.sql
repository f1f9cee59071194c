-- One row per source and invoice that has lines with sub lines: how far the lines are from the sums of those.

with

api_lines as (
    select
        'api' as source,
        lines.invoice_id,
        {{ major_amount('lines.total', 'lines.stated_unit') }} as line_amount,
        {{ major_amount('sum(sub_lines.subtotal)', 'lines.stated_unit') }} as sub_lines_amount
    from {{ ref('stg_metronome_api__invoice_line_items') }} as lines
    inner join {{ ref('stg_metronome_api__invoice_sub_line_items') }} as sub_lines
        on
            lines.invoice_id = sub_lines.invoice_id
            and lines.line_number = sub_lines.line_number
    group by lines.invoice_id, lines.line_number, lines.total, lines.stated_unit
),

export_sub_lines as (
    select
        line_item_id,
        sum(subtotal) as subtotal
    from {{ ref('stg_metronome_export__sub_line_items') }}
    group by line_item_id
),

export_lines as (
    select
        'export' as source,
        lines.invoice_id,
        {{ major_amount('lines.total', 'lines.stated_unit') }} as line_amount,
        {{ major_amount('sub_lines.subtotal', 'lines.stated_unit') }} as sub_lines_amount
    from {{ ref('stg_metronome_export__line_items') }} as lines
    inner join export_sub_lines as sub_lines on lines.line_item_id = sub_lines.line_item_id
),

both_sources as (
    select * from api_lines
    union all
    select * from export_lines
)

select
    source,
    invoice_id,
    -- of each line, so that two lines cannot make up for each other
    cast(sum(abs(line_amount - sub_lines_amount)) as {{ amount_type() }}) as difference_amount
from both_sources
group by source, invoice_id
