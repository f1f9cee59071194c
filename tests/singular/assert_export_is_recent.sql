-- Warns if nothing of the export was transferred in the two days before the as-of instant. Metronome transfers within
-- a day, so the reports would be older than their as-of instant.
{{ config(severity='warn') }}

select
    root,
    max(transferred_at) as newest_transfer_at
from {{ ref('stg_metronome_export__loaded_files') }}
group by root
having {{ dbt.dateadd('day', 2, 'max(transferred_at)') }} < {{ as_of() }}
