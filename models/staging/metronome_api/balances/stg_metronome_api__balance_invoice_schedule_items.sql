-- One row per item of the invoice schedule of a commit: an amount and the day on which it is billed.
with

source as (
    select * from {{ source('raw_api', 'balance_invoice_schedule_items') }}
),

renamed as (
    select
        -- ids
        balance_id,
        item_number,
        id as schedule_item_id,
        customer_id,
        invoice_id,

        -- numerics
        amount,
        quantity,
        unit_price,

        -- timestamps
        timestamp as due_at
    from source
)

select * from renamed
