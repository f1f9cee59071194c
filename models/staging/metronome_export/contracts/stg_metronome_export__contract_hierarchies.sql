-- One row per parent or child contract in an account hierarchy, from the newest snapshot.
with

source as (
    {{ live_rows(source('raw_export', 'contract_hierarchy_configurations')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as contract_hierarchy_id,
        contract_id,
        parent_contract_id,
        parent_customer_id,

        -- text
        environment_type,
        snapshot_id,
        upper(payer) as payer,
        upper(usage_statement_behavior) as usage_statement_behavior,
        upper(invoice_consolidation_type) as invoice_consolidation_type,

        -- json
        child_info,
        metadata,

        -- timestamps
        updated_at
    from deduplicated
)

select * from renamed
