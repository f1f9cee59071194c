-- One row per entry of the ledger of a commit or credit. The entries add up to the balance.
with

source as (
    select * from {{ source('raw_api', 'balance_ledger_entries') }}
),

renamed as (
    select
        -- ids
        balance_id,
        entry_number,
        customer_id,
        segment_id,
        invoice_id,
        contract_id,
        new_contract_id,

        -- text
        upper(type) as entry_type,
        reason,

        -- numerics
        amount,

        -- timestamps
        timestamp as effective_at
    from source
)

select * from renamed
