-- Fails if no load of either source was completed. The raw tables exist then, and every report would be empty.
select 'no load of the API or of the export was completed: load one, then build again' as message
where
    not exists (select 1 from {{ ref('stg_metronome_api__runs') }})
    and not exists (select 1 from {{ ref('stg_metronome_export__loaded_files') }})
