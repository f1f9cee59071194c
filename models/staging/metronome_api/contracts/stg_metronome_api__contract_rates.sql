-- One row per rate of a contract: the list rate, the rate after overrides, and the rate for commits.
with

source as (
    select * from {{ source('raw_api', 'contract_rates') }}
),

renamed as (
    select
        -- ids
        contract_id,
        rate_number,
        customer_id,
        rate_card_id,
        product_id,
        list_rate__credit_type__id as list_pricing_unit_id,
        override_rate__credit_type__id as override_pricing_unit_id,
        commit_rate__credit_type__id as commit_pricing_unit_id,

        -- text
        product_name,
        upper(billing_frequency) as billing_frequency,
        upper(list_rate__rate_type) as list_rate_type,
        list_rate__credit_type__name as list_source_pricing_unit,
        upper(override_rate__rate_type) as override_rate_type,
        override_rate__credit_type__name as override_source_pricing_unit,
        upper(commit_rate__rate_type) as commit_rate_type,
        commit_rate__credit_type__name as commit_source_pricing_unit,

        -- numerics
        list_rate__price as list_price,
        list_rate__quantity as list_quantity,
        list_rate__minimum_config__minimum as list_minimum,
        override_rate__price as override_price,
        override_rate__quantity as override_quantity,
        override_rate__minimum_config__minimum as override_minimum,
        commit_rate__price as commit_price,
        commit_rate__quantity as commit_quantity,
        commit_rate__minimum_config__minimum as commit_minimum,

        -- booleans
        entitled as is_entitled,
        list_rate__is_prorated as is_list_prorated,
        override_rate__is_prorated as is_override_prorated,
        commit_rate__is_prorated as is_commit_prorated,

        -- json
        product_tags,
        pricing_group_values,
        list_rate__tiers as list_tiers,
        list_rate__custom_rate as list_custom_rate,
        override_rate__tiers as override_tiers,
        override_rate__custom_rate as override_custom_rate,
        commit_rate__tiers as commit_tiers,
        commit_rate__custom_rate as commit_custom_rate,

        -- timestamps
        starting_at,
        ending_before
    from source
)

select * from renamed
