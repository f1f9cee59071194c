-- One row per rate card.
with

source as (
    select * from {{ source('raw_api', 'rate_cards') }}
),

renamed as (
    select
        -- ids
        id as rate_card_id,
        fiat_credit_type__id as pricing_unit_id,

        -- text
        name as rate_card_name,
        description as rate_card_description,
        fiat_credit_type__name as source_pricing_unit,
        created_by,

        -- json
        aliases,
        custom_fields,

        -- timestamps
        created_at
    from source
)

select * from renamed
