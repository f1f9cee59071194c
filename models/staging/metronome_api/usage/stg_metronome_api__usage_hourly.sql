-- One row per customer, billable metric and hour.
with

source as (
    select * from {{ source('raw_api', 'usage_hourly') }}
),

renamed as (
    select
        -- ids
        customer_id,
        billable_metric_id,

        -- text
        billable_metric_name,

        -- numerics
        value as usage,

        -- json
        groups as group_values,

        -- timestamps
        start_timestamp as starting_at,
        end_timestamp as ending_before
    from source
)

select * from renamed
