-- One row per override of a contract. An override changes rates of the rate card for this contract.
with

source as (
    select * from {{ source('raw_api', 'contract_overrides') }}
),

renamed as (
    select
        -- ids
        contract_id,
        override_number,
        id as override_id,
        customer_id,
        product__id as product_id,
        overwrite_rate__credit_type__id as overwrite_pricing_unit_id,

        -- text
        product__name as product_name,
        upper(type) as override_type,
        upper(target) as override_target,
        upper(overwrite_rate__rate_type) as overwrite_rate_type,
        overwrite_rate__credit_type__name as overwrite_source_pricing_unit,

        -- numerics
        priority,
        multiplier,
        overwrite_rate__price as overwrite_price,
        overwrite_rate__quantity as overwrite_quantity,
        overwrite_rate__minimum_config__minimum as overwrite_minimum,

        -- booleans
        entitled as is_entitled,
        is_commit_specific,
        overwrite_rate__is_prorated as is_overwrite_prorated,

        -- json
        applicable_product_tags,
        override_specifiers,
        override_tiers,
        overwrite_rate__tiers as overwrite_tiers,
        overwrite_rate__custom_rate as overwrite_custom_rate,

        -- timestamps
        starting_at,
        ending_before,
        created_at
    from source
)

select * from renamed
