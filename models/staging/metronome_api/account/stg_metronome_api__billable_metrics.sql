-- One row per billable metric of the account, archived metrics included.
with

source as (
    select * from {{ source('raw_api', 'billable_metrics') }}
),

renamed as (
    select
        -- ids
        id as billable_metric_id,

        -- text
        name as billable_metric_name,
        lower(aggregation_type) as aggregation_type,
        aggregation_key,
        sql as metric_sql,

        -- json
        event_type_filter,
        property_filters,
        group_keys,
        custom_fields,

        -- timestamps
        archived_at
    from source
)

select * from renamed
