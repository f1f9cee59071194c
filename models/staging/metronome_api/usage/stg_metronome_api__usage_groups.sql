-- One row per customer, billable metric, group and day.
with

source as (
    select * from {{ source('raw_api', 'usage_groups') }}
),

renamed as (
    select
        -- ids
        customer_id,
        billable_metric_id,

        -- text
        group_key,
        group_value,

        -- numerics
        value as usage,

        -- json
        {{ adapter.quote('group') }} as group_values,

        -- timestamps
        starting_on as starting_at,
        ending_before
    from source
)

select * from renamed
