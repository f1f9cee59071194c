-- One row per contract and seat with a separate balance.
with

source as (
    select * from {{ source('raw_api', 'seat_balances') }}
),

renamed as (
    select
        -- ids
        contract_id,
        seat_number,
        customer_id,

        -- text
        seat_id,

        -- json
        balances,
        commits,
        credits
    from source
)

select * from renamed
