-- One row per contract, archived ones included.
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

        -- text
        name as contract_name,
        usage_statement_schedule__frequency as billing_frequency,

        -- numerics
        net_payment_terms_days,
        total_contract_value,

        -- json
        custom_fields,

        -- timestamps
        starting_at,
        ending_before,
        created_at,
        archived_at
    from source
)

select * from renamed
