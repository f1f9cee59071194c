-- One row per time in which a contract bills only some of a customer's usage, in the newest version. The export
-- states no environment.
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
