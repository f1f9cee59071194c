-- Fails for each line of the API with sub lines whose total is not their sum.
with

summed as (
    select
        lines.invoice_id,
        lines.line_number,
        lines.total,
        {{ sum_source_amounts('sub_lines.subtotal') }} as sub_lines_total
    from {{ ref('stg_metronome_api__invoice_line_items') }} as lines
    inner join {{ ref('stg_metronome_api__invoice_sub_line_items') }} as sub_lines
        on
            lines.invoice_id = sub_lines.invoice_id
            and lines.line_number = sub_lines.line_number
    group by lines.invoice_id, lines.line_number, lines.total
)

select * from summed
where not {{ equal_amounts('total', 'sub_lines_total') }}
