-- One row per contract that was created from a package.
with

source as (
    select * from {{ source('raw_api', 'package_contracts') }}
),

renamed as (
    select
        -- ids
        package_id,
        contract_id,
        customer_id,

        -- timestamps
        starting_at,
        ending_before,
        archived_at
    from source
)

select * from renamed
