-- One row per credit grant of the plans model of billing. The API does not list voided grants.
with

source as (
    select * from {{ source('raw_api', 'credit_grants') }}
),

renamed as (
    select
        -- ids
        id as credit_grant_id,
        customer_id,
        invoice_id,
        grant_amount__credit_type__id as pricing_unit_id,

        -- text
        name as credit_grant_name,
        reason,
        credit_grant_type,
        grant_amount__credit_type__name as source_pricing_unit,
        paid_amount__credit_type__name as paid_source_pricing_unit,

        -- numerics
        priority,
        grant_amount__amount as granted,
        paid_amount__amount as paid,
        balance__excluding_pending as balance_excluding_pending,
        balance__including_pending as balance_including_pending,

        -- json
        products,

        -- timestamps
        effective_at,
        expires_at,
        balance__effective_at as balance_effective_at
    from source
)

select * from renamed
