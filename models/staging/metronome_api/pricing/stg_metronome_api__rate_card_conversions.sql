-- One row per rate card and custom pricing unit that it converts into its currency.
with

source as (
    select * from {{ source('raw_api', 'rate_card_conversions') }}
),

renamed as (
    select
        -- ids
        rate_card_id,
        conversion_number,
        custom_credit_type__id as pricing_unit_id,

        -- text
        custom_credit_type__name as source_pricing_unit,

        -- numerics
        fiat_per_custom_credit
    from source
)

select * from renamed
