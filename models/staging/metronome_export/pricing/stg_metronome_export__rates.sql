-- One row per version of a price on a rate card, from the newest snapshot.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_rate_card_entries')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id', 'version']) }}
),

renamed as (
    select
        -- ids
        id as rate_id,
        rate_card_id,
        product_id,
        credit_type_id as pricing_unit_id,

        -- text
        environment_type,
        snapshot_id,
        rate,
        commit_rate,
        credit_type_name as source_pricing_unit,
        upper(billing_frequency) as billing_frequency,

        -- numerics
        version,
        product_order,

        -- booleans
        entitled as is_entitled,

        -- json
        pricing_group_values,
        metadata,

        -- timestamps
        starting_at,
        ending_before,
        updated_at
    from deduplicated
)

select * from renamed
