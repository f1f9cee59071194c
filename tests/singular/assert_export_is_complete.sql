-- Fails for each file and table that the newest run of the pipeline left out. With the variable `accept_incomplete:
-- true` it warns instead.
{{ config(severity='warn' if var('accept_incomplete') is true else 'error') }}

select
    kind,
    table_name,
    path,
    message
from {{ ref('stg_metronome_export__load_notes') }}
where is_left_out
