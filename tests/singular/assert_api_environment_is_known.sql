-- Fails if both sources are loaded and none of the API's customers is in the export. The environment of the API's
-- rows is then unknown. Set `environment`, or load the sources into two databases.
select environment.environment_type
from {{ ref('int_api_environment') }} as environment
where
    environment.environment_type is null
    and exists (select 1 from {{ ref('stg_metronome_api__customers') }})
    and exists (select 1 from {{ ref('stg_metronome_export__customers') }})
