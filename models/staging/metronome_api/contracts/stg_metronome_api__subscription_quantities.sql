-- One row per quantity and price in the history of a subscription. Future quantities are not included.
with

source as (
    select * from {{ source('raw_api', 'subscription_quantities') }}
),

renamed as (
    select
        -- ids
        subscription_id,
        quantity_number,
        contract_id,
        customer_id,
        fiat_credit_type_id as pricing_unit_id,

        -- numerics
        quantity,
        unit_price,
        total,

        -- timestamps
        starting_at
    from source
)

select * from renamed
