-- One row per pricing unit of the account: a currency or a custom unit.
with

source as (
    select * from {{ source('raw_api', 'pricing_units') }}
),

renamed as (
    select
        -- ids
        id as pricing_unit_id,

        -- text
        name as source_pricing_unit,

        -- booleans
        is_currency
    from source
)

select * from renamed
