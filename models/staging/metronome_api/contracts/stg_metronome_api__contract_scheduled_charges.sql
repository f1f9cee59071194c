-- One row per scheduled charge of a contract. It bills an amount on each day of its schedule.
with

source as (
    select * from {{ source('raw_api', 'contract_scheduled_charges') }}
),

renamed as (
    select
        -- ids
        contract_id,
        charge_number,
        id as scheduled_charge_id,
        customer_id,
        product__id as product_id,
        schedule__credit_type__id as pricing_unit_id,

        -- text
        name as scheduled_charge_name,
        product__name as product_name,
        schedule__credit_type__name as source_pricing_unit,

        -- booleans
        schedule__do_not_invoice as is_not_invoiced,

        -- json
        schedule__schedule_items as schedule_items,
        custom_fields,

        -- timestamps
        archived_at
    from source
)

select * from renamed
