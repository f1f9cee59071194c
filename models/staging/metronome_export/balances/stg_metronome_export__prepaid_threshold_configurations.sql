-- One row per prepaid threshold configuration of a contract, from the newest snapshot. It recharges the prepaid
-- balance automatically.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_prepaid_balance_threshold_configurations')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as prepaid_threshold_configuration_id,
        contract_id,
        commit_product_id,

        -- text
        environment_type,
        snapshot_id,
        commit_name,
        commit_description,
        upper(payment_gate_type) as payment_gate_type,
        tax_type,
        stripe_payment_type,
        upper(commit_duration_unit) as commit_duration_unit,
        upper(commit_rate_type) as commit_rate_type,

        -- numerics
        threshold_amount as threshold,
        recharge_to_amount as recharge_to,
        commit_duration_value,
        commit_rollover_fraction,

        -- booleans
        enabled as is_enabled,

        -- json
        commit_applicable_product_ids,
        commit_applicable_product_tags,
        metadata,

        -- timestamps
        updated_at
    from deduplicated
)

select * from renamed
