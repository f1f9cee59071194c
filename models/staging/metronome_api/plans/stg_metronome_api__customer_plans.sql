-- One row per customer, plan and time in which the customer is on the plan.
with

source as (
    select * from {{ source('raw_api', 'customer_plans') }}
),

renamed as (
    select
        -- ids
        id as customer_plan_id,
        customer_id,
        plan_id,

        -- text
        plan_name,

        -- numerics
        net_payment_terms_days,

        -- json
        trial_info,
        custom_fields,

        -- timestamps
        starting_on as starting_at,
        ending_before
    from source
)

select * from renamed
