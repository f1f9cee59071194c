-- Fails when both sources are loaded and none of the API's customers is in the export: whether they are
-- of the same environment is not known. Give `environment`, or load them into two databases.
select environment.environment_type
from {{ ref('int_api_environment') }} as environment
where
    environment.environment_type is null
    and exists (select 1 from {{ ref('stg_metronome_api__customers') }})
    and exists (select 1 from {{ ref('stg_metronome_export__customers') }})
