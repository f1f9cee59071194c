-- One row per subscription of a contract, from the newest snapshot.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_subscriptions')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as subscription_id,
        customer_id,
        contract_id,
        product_id,
        fiat_credit_type_id as pricing_unit_id,

        -- text
        environment_type,
        snapshot_id,
        name as subscription_name,
        description,
        upper(billing_frequency) as billing_frequency,
        upper(collection_schedule) as collection_schedule,
        upper(invoice_behavior) as invoice_behavior,

        -- booleans
        is_prorated,

        -- json
        billing_cycle_config,
        proration_rounding,
        quantity_schedule,
        metadata,

        -- timestamps
        starting_at,
        ending_before,
        updated_at
    from deduplicated
)

select * from renamed
