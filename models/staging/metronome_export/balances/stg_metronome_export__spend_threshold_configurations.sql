-- One row per spend threshold configuration of a contract, from the newest snapshot. It bills automatically at the
-- threshold.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_spend_threshold_configurations')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as spend_threshold_configuration_id,
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

        -- numerics
        threshold_amount as threshold,

        -- booleans
        enabled as is_enabled,

        -- json
        metadata,

        -- timestamps
        updated_at
    from deduplicated
)

select * from renamed
