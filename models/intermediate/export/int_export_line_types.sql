-- One row per line of the export that has a breakdown: its type, as that states it. The lines' own table does
-- not say it.
with

stated_types as (
    select
        line_item_id,
        line_type
    from {{ ref('stg_metronome_export__invoice_breakdown_lines') }}
    union
    select
        line_item_id,
        line_type
    from {{ ref('stg_metronome_export__draft_invoice_breakdown_lines') }}
)

select
    line_item_id,
    max(line_type) as line_type
from stated_types
group by line_item_id
