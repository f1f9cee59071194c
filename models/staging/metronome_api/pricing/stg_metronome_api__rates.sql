-- One row per rate of a rate card.
with

source as (
    select * from {{ source('raw_api', 'rates') }}
),

renamed as (
    select
        -- ids
        rate_card_id,
        rate_number,
        product_id,
        rate__credit_type__id as pricing_unit_id,
        commit_rate__credit_type__id as commit_pricing_unit_id,

        -- text
        product_name,
        upper(billing_frequency) as billing_frequency,
        upper(rate__rate_type) as rate_type,
        rate__credit_type__name as source_pricing_unit,
        upper(commit_rate__rate_type) as commit_rate_type,
        commit_rate__credit_type__name as commit_source_pricing_unit,

        -- numerics
        rate__price as price,
        rate__quantity as quantity,
        rate__minimum_config__minimum as minimum,
        commit_rate__price as commit_price,
        commit_rate__quantity as commit_quantity,
        commit_rate__minimum_config__minimum as commit_minimum,

        -- booleans
        entitled as is_entitled,
        rate__is_prorated as is_prorated,
        commit_rate__is_prorated as is_commit_prorated,

        -- json
        product_tags,
        pricing_group_values,
        rate__tiers as tiers,
        rate__custom_rate as custom_rate,
        commit_rate__tiers as commit_tiers,
        commit_rate__custom_rate as commit_custom_rate,

        -- timestamps
        starting_at,
        ending_before
    from source
)

select * from renamed
