-- Fails for each file and table that the newest run of the pipeline left out. With `accept_incomplete` it warns.

select
    kind,
    table_name,
    path,
    message
from {{ ref('stg_metronome_export__load_notes') }}
where is_left_out
