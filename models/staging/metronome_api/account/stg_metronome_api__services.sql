-- One row per Metronome service that connects to the account's systems.
with

source as (
    select * from {{ source('raw_api', 'services') }}
),

renamed as (
    select
        -- text
        name as service_name,
        upper(usage) as service_usage,

        -- json
        ips as ip_addresses
    from source
)

select * from renamed
