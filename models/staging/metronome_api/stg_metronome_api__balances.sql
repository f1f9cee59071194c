-- One row per commit or credit of a customer or contract.
with

source as (
    select * from {{ source('raw_api', 'balances') }}
),

renamed as (
    select
        -- ids
        id as balance_id,
        customer_id,
        contract__id as contract_id,
        product__id as product_id,
        access_schedule__credit_type__id as pricing_unit_id,

        -- text
        upper(type) as balance_type,
        name as balance_name,
        access_schedule__credit_type__name as stated_unit,
        upper(access_schedule__access_type) as access_type,

        -- numerics
        priority,
        balance,

        -- json
        custom_fields,

        -- timestamps
        created_at,
        archived_at
    from source
)

select * from renamed
