-- One row per rate card, from the newest snapshot.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_rate_cards')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as rate_card_id,
        fiat_credit_type_id as pricing_unit_id,

        -- text
        environment_type,
        snapshot_id,
        fiat_credit_type_name as source_pricing_unit,
        description,
        name as rate_card_name,
        created_by,

        -- json
        credit_type_conversions,
        metadata,
        aliases,

        -- timestamps
        created_at,
        updated_at,
        archived_at
    from deduplicated
)

select * from renamed
