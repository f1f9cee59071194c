-- One row per invoice and day. Spend is before commits and credits, so a breakdown has no total.
with

source as (
    select * from {{ source('raw_api', 'spend_breakdowns') }}
),

renamed as (
    select
        -- ids
        breakdown_number,
        id as invoice_id,
        customer_id,
        plan_id,
        contract_id,
        credit_type__id as pricing_unit_id,

        -- text
        upper(type) as invoice_type,
        upper(status) as invoice_status,
        credit_type__name as source_pricing_unit,

        -- timestamps
        breakdown_start_timestamp as breakdown_start_at,
        breakdown_end_timestamp as breakdown_end_at,
        start_timestamp as period_start_at,
        end_timestamp as period_end_at,
        issued_at
    from source
)

select * from renamed
