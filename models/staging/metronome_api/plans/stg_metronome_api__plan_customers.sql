-- One row per plan, customer and time in which the customer is on the plan. `customer_plans` has the same rows,
-- requested by customer.
with

source as (
    select * from {{ source('raw_api', 'plan_customers') }}
),

renamed as (
    select
        -- ids
        plan_details__customer_plan_id as customer_plan_id,
        plan_id,
        customer_details__id as customer_id,

        -- text
        plan_details__name as plan_name,
        customer_details__name as customer_name,

        -- json
        plan_details__custom_fields as custom_fields,

        -- timestamps
        plan_details__starting_on as starting_at,
        plan_details__ending_before as ending_before,
        customer_details__archived_at as customer_archived_at
    from source
)

select * from renamed
