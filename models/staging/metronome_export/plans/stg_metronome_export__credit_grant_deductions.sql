-- One row per final deduction from a credit grant. Pending ones are not exported.
with

source as (
    {{ live_rows(source('raw_export', 'credit_grant_deduction')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as deduction_id,
        credit_grant_id,
        invoice_id,

        -- text
        memo,

        -- numerics
        amount,

        -- timestamps
        effective_at,
        updated_at
    from deduplicated
)

select * from renamed
