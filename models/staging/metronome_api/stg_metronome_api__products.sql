-- One row per product of the contract vintage, by its current name.
with

source as (
    select * from {{ source('raw_api', 'products') }}
),

renamed as (
    select
        -- ids
        id as product_id,

        -- text
        type as product_type,
        {{ json_text('current', 'name') }} as product_name,

        -- json
        custom_fields,

        -- timestamps
        archived_at
    from source
)

select * from renamed
