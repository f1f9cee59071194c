-- One row per subscription and time in which its quantity is constant, including future times.
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
