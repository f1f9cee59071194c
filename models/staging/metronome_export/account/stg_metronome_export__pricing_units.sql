-- One row per pricing unit: a currency or a unit that the account made up, newest version.
with

source as (
    {{ live_rows(source('raw_export', 'credit_type')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as pricing_unit_id,

        -- text
        environment_type,
        name as source_pricing_unit,

        -- booleans
        is_currency,

        -- timestamps
        updated_at
    from deduplicated
)

select * from renamed
