-- One row per product of plans, in its newest version. `product_versions` has the products of contracts.
with

source as (
    {{ live_rows(source('raw_export', 'product')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as product_id,

        -- text
        environment_type,
        name as product_name,
        description as product_description,

        -- json
        custom_fields,

        -- timestamps
        created_at,
        deprecated_at,
        updated_at
    from deduplicated
)

select * from renamed
