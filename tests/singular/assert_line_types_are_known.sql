-- Fails for each line type that Metronome states and `line_kind` does not have. Such lines count as usage. Severity
-- is warn because Metronome's documentation does not list all types.
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
