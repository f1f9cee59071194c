-- One row per segment of the access schedule of a commit or credit: an amount and the time in which it can be used.
with

source as (
    select * from {{ source('raw_api', 'balance_segments') }}
),

renamed as (
    select
        -- ids
        balance_id,
        segment_number,
        id as segment_id,
        customer_id,

        -- numerics
        amount,

        -- timestamps
        starting_at,
        ending_before
    from source
)

select * from renamed
