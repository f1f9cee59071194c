-- One row per custom field that the account defines.
with

source as (
    select * from {{ source('raw_api', 'custom_field_keys') }}
),

renamed as (
    select
        -- text
        upper(entity) as entity,
        key as custom_field_key,

        -- booleans
        enforce_uniqueness as is_unique
    from source
)

select * from renamed
