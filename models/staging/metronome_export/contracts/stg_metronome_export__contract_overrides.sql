-- One row per override of a contract, from the newest snapshot. An override changes a price of the rate card for
-- this contract.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_overrides')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as override_id,
        contract_id,
        amendment_id,
        product_id,
        credit_type_id as pricing_unit_id,

        -- text
        environment_type,
        snapshot_id,
        upper(rate_type) as rate_type,
        credit_type_name as source_pricing_unit,
        upper(target) as target,

        -- numerics
        multiplier,
        priority,

        -- booleans
        entitled as is_entitled,
        is_commit_specific,

        -- json
        new_rate,
        applicable_product_tags,
        override_specifiers,
        metadata,
        tiered_override,

        -- timestamps
        starting_at,
        ending_before,
        created_at,
        updated_at
    from deduplicated
)

select * from renamed
