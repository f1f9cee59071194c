-- One row per amendment of a contract, from the newest snapshot.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_amendments')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as amendment_id,
        contract_id,

        -- text
        environment_type,
        snapshot_id,
        created_by,

        -- json
        metadata,

        -- timestamps
        effective_at,
        created_at,
        updated_at
    from deduplicated
)

select * from renamed
