-- One row per stretch of time in which a subscription has a quantity, the future included.
with

source as (
    select * from {{ source('raw_api', 'contract_subscription_quantities') }}
),

renamed as (
    select
        -- ids
        subscription_id,
        quantity_number,
        contract_id,
        customer_id,

        -- numerics
        quantity,

        -- timestamps
        starting_at,
        ending_before
    from source
)

select * from renamed
