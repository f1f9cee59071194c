-- One row per recurring commit or credit of a contract, from the newest snapshot. It creates a new commit or credit
-- each period.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_recurring_commits_and_credits')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as recurring_balance_id,
        contract_id,
        customer_id,
        product_id,

        -- text
        environment_type,
        snapshot_id,
        upper(type) as recurring_balance_type,
        name as recurring_balance_name,
        description,
        upper(rate_type) as rate_type,
        upper(proration) as proration,
        upper(recurrence_frequency) as recurrence_frequency,

        -- numerics
        priority,
        rollover_fraction,

        -- json
        access_amount,
        invoice_amount,
        applicable_product_ids,
        applicable_product_tags,
        specifiers,
        commit_duration,
        proration_rounding,
        metadata,
        subscription_config,

        -- timestamps
        starting_at,
        ending_before,
        updated_at
    from deduplicated
)

select * from renamed
