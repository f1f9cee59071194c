-- Fails for each line of the export with sub lines whose total is not exactly their sum.
select
    lines.line_item_id,
    lines.total,
    sum(sub_lines.subtotal) as sub_lines_total
from {{ ref('stg_metronome_export__line_items') }} as lines
inner join {{ ref('stg_metronome_export__sub_line_items') }} as sub_lines
    on lines.line_item_id = sub_lines.line_item_id
group by lines.line_item_id, lines.total
having not {{ equal_amounts('lines.total', 'sum(sub_lines.subtotal)') }}
