-- One row per customer, pricing unit and inclusion mode: the amount that can be spent, as the API computes it.
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
