-- Fails for each type of lines that Metronome states and `line_kind` does not know: they are taken to be
-- usage. It warns: the types that the vendor's documents list are not all.
{{ config(severity='warn') }}

with

stated as (
    select line_type from {{ ref('stg_metronome_api__invoice_line_items') }}
    union all
    select line_type from {{ ref('stg_metronome_export__invoice_breakdown_lines') }}
    union all
    select line_type from {{ ref('stg_metronome_export__draft_invoice_breakdown_lines') }}
)

select
    line_type,
    count(*) as lines
from stated
where
    line_type is not null
    and {{ line_kind('line_type') }} = 'usage'
    and lower(line_type) not like '%usage%'
group by line_type
