-- One row per package, a template of contracts.
with

source as (
    select * from {{ source('raw_api', 'packages') }}
),

renamed as (
    select
        -- ids
        id as package_id,
        rate_card_id,

        -- text
        name as package_name,

        -- json
        custom_fields,

        -- timestamps
        created_at,
        archived_at
    from source
)

select * from renamed
