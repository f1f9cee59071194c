-- One row per package, from the newest snapshot. A package is a template for contracts.
with

source as (
    {{ live_rows(source('raw_export', 'packages')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as package_id,
        rate_card_id,

        -- text
        environment_type,
        snapshot_id,
        name as package_name,
        upper(duration_unit) as duration_unit,
        upper(multiplier_override_prioritization) as multiplier_override_prioritization,
        upper(usage_statement_schedule_frequency) as billing_frequency,
        upper(scheduled_charges_on_usage_invoices) as scheduled_charges_on_usage_invoices,
        billing_provider,
        delivery_method,
        created_by,

        -- numerics
        duration_value,
        net_payment_terms_days,

        -- json
        aliases,
        metadata,

        -- timestamps
        created_at,
        archived_at,
        updated_at
    from deduplicated
)

select * from renamed
