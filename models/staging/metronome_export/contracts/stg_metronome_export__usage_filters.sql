-- One row per version of a usage filter of a contract, from the newest snapshot.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_usage_filters')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id', 'version']) }}
),

renamed as (
    select
        -- ids
        id as usage_filter_id,
        contract_id,

        -- text
        environment_type,
        snapshot_id,
        group_key,

        -- numerics
        version,

        -- json
        group_values,
        metadata,

        -- timestamps
        starting_at,
        updated_at
    from deduplicated
)

select * from renamed
