-- One row per commit of a customer or contract. `balances` has the same commits.
with

source as (
    select * from {{ source('raw_api', 'commits') }}
),

renamed as (
    select
        -- ids
        id as commit_id,
        customer_id,
        contract__id as contract_id,
        product__id as product_id,
        access_schedule__credit_type__id as pricing_unit_id,
        invoice_contract__id as invoice_contract_id,
        recurring_commit_id,
        rolled_over_from__commit_id as rolled_over_from_commit_id,
        subscription_config__subscription_id as subscription_id,

        -- text
        upper(type) as commit_type,
        name as commit_name,
        description,
        product__name as product_name,
        access_schedule__credit_type__name as source_pricing_unit,
        upper(access_schedule__access_type) as access_type,
        upper(rate_type) as rate_type,
        invoice_schedule__credit_type__name as invoice_source_pricing_unit,

        -- numerics
        priority,
        balance,
        cost_basis,
        rollover_fraction,

        -- booleans
        invoice_schedule__do_not_invoice as is_not_invoiced,

        -- json
        applicable_product_ids,
        applicable_product_tags,
        applicable_contract_ids,
        specifiers,
        access_schedule__schedule_items as segments,
        invoice_schedule__schedule_items as invoice_schedule_items,
        ledger,
        custom_fields,

        -- timestamps
        created_at,
        archived_at
    from source
)

select * from renamed
