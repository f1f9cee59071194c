-- Warns when nothing of the export was transferred in the two days before the as-of instant: the vendor is up
-- to a day late, and what the reports call now is older than they say.
{{ config(severity='warn') }}

select
    root,
    max(transferred_at) as newest_transfer_at
from {{ ref('stg_metronome_export__loaded_files') }}
group by root
having {{ dbt.dateadd('day', 2, 'max(transferred_at)') }} < {{ as_of() }}
