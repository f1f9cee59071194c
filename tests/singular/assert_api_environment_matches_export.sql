-- Fails when the export has the API's customers in another environment than the argument `environment`
-- says, or in two: amounts of PRODUCTION and SANDBOX would be mixed.
select
    environment_type,
    first_environment_in_export,
    last_environment_in_export
from {{ ref('int_api_environment') }}
where
    first_environment_in_export <> environment_type
    or last_environment_in_export <> environment_type
