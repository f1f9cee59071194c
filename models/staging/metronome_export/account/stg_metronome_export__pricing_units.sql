-- One row per pricing unit, in its newest version: a currency or a custom unit.
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
