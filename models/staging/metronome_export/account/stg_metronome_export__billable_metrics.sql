-- One row per billable metric, in its newest version. The export does not hold the event filters of a metric.
with

source as (
    {{ live_rows(source('raw_export', 'billable_metric')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as billable_metric_id,

        -- text
        environment_type,
        name as billable_metric_name,
        lower(aggregate) as aggregation_type,

        -- json
        aggregate_keys,
        group_keys,

        -- timestamps
        created_at,
        archived_at,
        updated_at
    from deduplicated
)

select * from renamed
