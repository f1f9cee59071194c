-- One row per credit grant of the plans model of billing, in its newest version.
with

source as (
    {{ live_rows(source('raw_export', 'credit_grant')) }}
),

deduplicated as (
    {{ deduplicated('source', ['environment_type', 'id']) }}
),

renamed as (
    select
        -- ids
        id as credit_grant_id,
        customer_id,
        invoice_id,
        amount_granted_credit_type_id as granted_pricing_unit_id,
        amount_paid_credit_type_id as paid_pricing_unit_id,

        -- text
        environment_type,
        name as credit_grant_name,
        reason,

        -- numerics
        priority,
        amount_granted as granted,
        amount_paid as paid,

        -- json
        product_ids,

        -- timestamps
        created_at,
        updated_at,
        effective_at,
        expires_at,
        voided_at
    from deduplicated
)

select * from renamed
