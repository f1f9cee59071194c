-- One row per pending deduction from a credit grant: what the open invoice would deduct.
with

source as (
    select * from {{ source('raw_api', 'credit_grant_pending_deductions') }}
),

renamed as (
    select
        -- ids
        credit_grant_id,
        entry_number,
        customer_id,
        invoice_id,

        -- text
        reason,
        created_by,

        -- numerics
        amount,
        running_balance,

        -- timestamps
        effective_at
    from source
)

select * from renamed
