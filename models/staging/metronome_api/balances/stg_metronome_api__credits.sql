-- One row per credit of a customer or contract. `balances` has the same credits.
with

source as (
    select * from {{ source('raw_api', 'credits') }}
),

renamed as (
    select
        -- ids
        id as credit_id,
        customer_id,
        contract__id as contract_id,
        product__id as product_id,
        access_schedule__credit_type__id as pricing_unit_id,
        recurring_credit_id,
        rolled_over_from__credit_id as rolled_over_from_credit_id,
        subscription_config__subscription_id as subscription_id,

        -- text
        upper(type) as credit_type,
        name as credit_name,
        description,
        product__name as product_name,
        access_schedule__credit_type__name as source_pricing_unit,
        upper(access_schedule__access_type) as access_type,
        upper(rate_type) as rate_type,

        -- numerics
        priority,
        balance,

        -- json
        applicable_product_ids,
        applicable_product_tags,
        applicable_contract_ids,
        specifiers,
        access_schedule__schedule_items as segments,
        ledger,
        custom_fields,

        -- timestamps
        created_at,
        archived_at
    from source
)

select * from renamed
