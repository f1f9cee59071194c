-- One row per commit or credit of a contract or customer, from the newest snapshot.
{{ config(materialized='table') }}

with

source as (
    {{ live_rows(source('raw_export', 'contracts_balances')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['environment_type', 'id']) }}
),

renamed as (
    select
        -- ids
        id as balance_id,
        customer_id,
        contract_id,
        amendment_id,
        product_id,
        invoice_contract_id,
        rolled_over_from_commit_id,
        rolled_over_from_contract_id,
        recurring_commit_id,

        -- text
        environment_type,
        snapshot_id,
        upper(type) as balance_type,
        name as balance_name,
        description,
        upper(rate_type) as rate_type,

        -- numerics
        priority,
        rollover_fraction,
        balance,
        cost_basis,

        -- json
        access_schedule,
        invoice_schedule,
        applicable_product_ids,
        applicable_product_tags,
        specifiers,
        applicable_contract_ids,
        ledger,
        metadata,

        -- timestamps
        updated_at
    from deduplicated
)

select * from renamed
