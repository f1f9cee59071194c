-- One row per subscription and time in which its seats are constant.
with

source as (
    select * from {{ source('raw_api', 'subscription_seats') }}
),

renamed as (
    select
        -- ids
        subscription_id,
        seat_number,
        contract_id,
        customer_id,

        -- numerics
        total_quantity as seats,

        -- json
        assigned_seat_ids,

        -- timestamps
        starting_at,
        ending_before
    from source
)

select * from renamed
