-- One row per commit of a contract, from the newest snapshot. Credits, and commits of customers, are only in
-- `balances`.
{{ config(materialized='table') }}

with

source as (
    {{ live_rows(source('raw_export', 'contracts_commits')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as commit_id,
        contract_id,
        amendment_id,
        product_id,
        rolled_over_from_commit_id,
        rolled_over_from_contract_id,
        recurring_commit_id,

        -- text
        environment_type,
        snapshot_id,
        upper(type) as commit_type,
        name as commit_name,
        description,
        upper(rate_type) as rate_type,

        -- numerics
        priority,
        amount,
        rollover_fraction,
        balance,
        cost_basis,

        -- json
        access_schedule,
        invoice_schedule,
        applicable_product_ids,
        applicable_product_tags,
        specifiers,
        ledger,
        metadata,

        -- timestamps
        updated_at
    from deduplicated
)

select * from renamed
