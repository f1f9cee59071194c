-- One row per package. A package is a template for contracts.
with

source as (
    select * from {{ source('raw_api', 'packages') }}
),

renamed as (
    select
        -- ids
        id as package_id,
        rate_card_id,

        -- text
        name as package_name,
        contract_name,
        upper(usage_statement_schedule__frequency) as billing_frequency,
        upper(duration__unit) as duration_unit,
        billing_provider,

        -- numerics
        duration__value as duration,
        net_payment_terms_days,

        -- json
        aliases,
        commits,
        credits,
        subscriptions,
        custom_fields,

        -- timestamps
        created_at,
        archived_at
    from source
)

select * from renamed
