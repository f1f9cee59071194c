-- One row per contract, archived contracts included.
with

source as (
    select * from {{ source('raw_api', 'contracts') }}
),

renamed as (
    select
        -- ids
        id as contract_id,
        customer_id,
        rate_card_id,
        package_id,
        hierarchy_configuration__parent__contract_id as parent_contract_id,
        hierarchy_configuration__parent__customer_id as parent_customer_id,
        prepaid_balance_threshold_configuration__custom_credit_type_id as prepaid_threshold_pricing_unit_id,

        -- text
        name as contract_name,
        upper(usage_statement_schedule__frequency) as billing_frequency,
        upper(hierarchy_configuration__payer) as hierarchy_payer,
        upper(hierarchy_configuration__usage_statement_behavior) as hierarchy_usage_statements,
        uniqueness_key,
        created_by,

        -- numerics
        net_payment_terms_days,
        total_contract_value,
        priority,
        spend_threshold_configuration__threshold_amount as spend_threshold,
        prepaid_balance_threshold_configuration__threshold_amount as prepaid_threshold,
        prepaid_balance_threshold_configuration__recharge_to_amount as prepaid_recharge_to,

        -- booleans
        spend_threshold_configuration__is_enabled as is_spend_threshold_enabled,
        prepaid_balance_threshold_configuration__is_enabled as is_prepaid_threshold_enabled,
        has_more__commits as has_more_commits,
        has_more__credits as has_more_credits,

        -- json
        usage_filter,
        spend_trackers,
        customer_billing_provider_configuration,
        custom_fields,

        -- timestamps
        starting_at,
        ending_before,
        created_at,
        archived_at,
        usage_statement_schedule__billing_anchor_date as billing_anchor_at
    from source
)

select * from renamed
