-- One row per customer, pricing unit and way of counting: what the API says can be spent, in one number.
with

source as (
    select * from {{ source('raw_api', 'net_balances') }}
),

renamed as (
    select
        -- ids
        customer_id,
        credit_type_id as pricing_unit_id,

        -- text
        upper(invoice_inclusion_mode) as invoice_inclusion_mode,

        -- numerics
        balance
    from source
)

select * from renamed
