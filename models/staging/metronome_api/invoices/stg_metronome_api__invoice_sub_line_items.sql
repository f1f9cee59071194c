-- One row per charge of a line of a plan invoice. Amounts are in the pricing unit of the line.
with

source as (
    select * from {{ source('raw_api', 'invoice_sub_line_items') }}
),

renamed as (
    select
        -- ids
        invoice_id,
        line_number,
        sub_line_number,
        customer_id,
        charge_id,
        credit_grant_id,

        -- text
        name as sub_line_name,

        -- numerics
        quantity,
        price as unit_price,
        subtotal,

        -- json
        tiers,
        tier_period,

        -- timestamps
        start_date as starting_at,
        end_date as ending_before
    from source
)

select * from renamed
