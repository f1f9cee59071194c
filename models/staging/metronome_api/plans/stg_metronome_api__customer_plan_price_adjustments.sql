-- One row per price adjustment of a customer's plan. It changes the price of one charge for this customer.
with

source as (
    select * from {{ source('raw_api', 'customer_plan_price_adjustments') }}
),

renamed as (
    select
        -- ids
        customer_plan_id,
        adjustment_number,
        customer_id,
        charge_id,

        -- text
        upper(charge_type) as charge_type,

        -- numerics
        start_period,
        quantity,

        -- json
        prices
    from source
)

select * from renamed
