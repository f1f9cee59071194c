-- One row per rate card.
with

source as (
    select * from {{ source('raw_api', 'rate_cards') }}
),

renamed as (
    select
        -- ids
        id as rate_card_id,

        -- text
        name as rate_card_name,
        description as rate_card_description,

        -- json
        credit_type_conversions,
        custom_fields,

        -- timestamps
        created_at
    from source
)

select * from renamed
