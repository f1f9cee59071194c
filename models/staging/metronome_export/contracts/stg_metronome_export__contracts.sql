-- One row per contract, from the newest snapshot.
{{ config(materialized='table') }}

with

source as (
    {{ live_rows(source('raw_export', 'contracts_contracts')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['environment_type', 'id']) }}
),

renamed as (
    select
        -- ids
        id as contract_id,
        customer_id,
        package_id,
        rate_card_id,

        -- text
        environment_type,
        snapshot_id,
        name as contract_name,
        upper(multiplier_override_prioritization) as multiplier_override_prioritization,
        upper(usage_statement_schedule_frequency) as billing_frequency,
        upper(scheduled_charges_on_usage_invoices) as scheduled_charges_on_usage_invoices,
        created_by,

        -- numerics
        net_payment_terms_days,

        -- json
        metadata,

        -- timestamps
        starting_at,
        ending_before,
        archived_at,
        created_at,
        updated_at
    from deduplicated
)

select * from renamed
