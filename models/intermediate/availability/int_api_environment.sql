-- One row: the environment of the API's rows. The API does not state it.
with

api_customers as (
    select * from {{ ref('stg_metronome_api__customers') }}
),

export_customers as (
    select * from {{ ref('stg_metronome_export__customers') }}
),

same_customers as (
    select export_customers.environment_type
    from api_customers
    inner join export_customers on api_customers.customer_id = export_customers.customer_id
)

select
    coalesce(nullif('{{ environment() }}', ''), min(environment_type)) as environment_type,
    min(environment_type) as first_environment_in_export,
    max(environment_type) as last_environment_in_export
from same_customers
