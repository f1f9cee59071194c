-- One row per transition from one contract to another, from the newest snapshot. A renewal is a transition.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_transitions')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as transition_id,
        contract_id,
        from_contract_id,
        to_contract_id,

        -- text
        environment_type,
        snapshot_id,
        upper(type) as transition_type,

        -- json
        metadata,

        -- timestamps
        date as transitioned_at,
        updated_at
    from deduplicated
)

select * from renamed
