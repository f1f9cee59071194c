-- One row per pending entry of a credit ledger: what the open invoice would add.
with

source as (
    select * from {{ source('raw_api', 'credit_ledger_pending_entries') }}
),

renamed as (
    select
        -- ids
        customer_id,
        ledger_number,
        entry_number,
        credit_grant_id,
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
