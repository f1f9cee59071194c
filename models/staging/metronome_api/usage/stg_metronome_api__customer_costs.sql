-- One row per customer, day and pricing unit, with the cost of the day before it is billed. Only plans have costs.
with

source as (
    select * from {{ source('raw_api', 'customer_costs') }}
),

renamed as (
    select
        -- ids
        customer_id,
        credit_type_id as pricing_unit_id,

        -- text
        name as source_pricing_unit,

        -- numerics
        cost,

        -- json
        line_item_breakdown,

        -- timestamps
        start_timestamp as starting_at,
        end_timestamp as ending_before
    from source
)

select * from renamed
