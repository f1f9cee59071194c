-- Fails for each line of the export with sub lines whose total is not their sum.
with

summed as (
    select
        lines.line_item_id,
        lines.total,
        {{ sum_source_amounts('sub_lines.subtotal') }} as sub_lines_total
    from {{ ref('stg_metronome_export__line_items') }} as lines
    inner join {{ ref('stg_metronome_export__sub_line_items') }} as sub_lines
        on lines.line_item_id = sub_lines.line_item_id
    group by lines.line_item_id, lines.total
)

select * from summed
where not {{ equal_amounts('total', 'sub_lines_total') }}
