-- Fails if the export has the API's customers in an environment other than the argument `environment`, or in two
-- environments. Amounts of PRODUCTION and SANDBOX would be mixed.
select
    environment_type,
    first_environment_in_export,
    last_environment_in_export
from {{ ref('int_api_environment') }}
where
    first_environment_in_export <> environment_type
    or last_environment_in_export <> environment_type
