-- One row per posted deduction from a credit grant. The export does not hold pending deductions.
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
