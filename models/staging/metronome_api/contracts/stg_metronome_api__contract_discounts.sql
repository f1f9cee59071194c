-- One row per discount of a contract. The discount is given on scheduled days.
with

source as (
    select * from {{ source('raw_api', 'contract_discounts') }}
),

renamed as (
    select
        -- ids
        contract_id,
        discount_number,
        id as discount_id,
        customer_id,
        product__id as product_id,
        schedule__credit_type__id as pricing_unit_id,

        -- text
        name as discount_name,
        product__name as product_name,
        schedule__credit_type__name as source_pricing_unit,

        -- booleans
        schedule__do_not_invoice as is_not_invoiced,

        -- json
        schedule__schedule_items as schedule_items,
        custom_fields
    from source
)

select * from renamed
