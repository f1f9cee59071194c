-- One row per time for which a contract counts only some usage, newest version. No environment is stated.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_usage_filter_schedule')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as usage_filter_schedule_id,
        contract_id,

        -- text
        group_key,

        -- json
        group_values,
        metadata,

        -- timestamps
        starting_at,
        ending_before,
        updated_at
    from deduplicated
)

select * from renamed
