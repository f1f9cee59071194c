-- One row per edit of a contract, from the newest snapshot.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_edits')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as edit_id,
        contract_id,

        -- text
        environment_type,
        snapshot_id,
        created_by,

        -- json
        edits,
        metadata,

        -- timestamps
        timestamp as edited_at,
        updated_at
    from deduplicated
)

select * from renamed
