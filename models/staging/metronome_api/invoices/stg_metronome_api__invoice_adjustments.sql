-- One row per adjustment of a plan invoice: a minimum or an applied credit grant.
with

source as (
    select * from {{ source('raw_api', 'invoice_adjustments') }}
),

renamed as (
    select
        -- ids
        invoice_id,
        adjustment_number,
        customer_id,
        credit_grant_id,

        -- text
        name as adjustment_name,
        credit_type__name as source_pricing_unit,

        -- numerics
        total
    from source
)

select * from renamed
