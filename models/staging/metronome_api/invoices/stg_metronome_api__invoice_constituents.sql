-- One row per invoice that a consolidated invoice sums up.
with

source as (
    select * from {{ source('raw_api', 'invoice_constituents') }}
),

renamed as (
    select
        -- ids
        consolidated_invoice_id,
        invoice_id,
        contract_id,
        customer_id
    from source
)

select * from renamed
