-- One row per recurring credit of a contract. It creates a new credit each period.
with

source as (
    select * from {{ source('raw_api', 'contract_recurring_credits') }}
),

renamed as (
    select
        -- ids
        contract_id,
        recurring_credit_number,
        id as recurring_credit_id,
        customer_id,
        product__id as product_id,
        subscription_config__subscription_id as subscription_id,
        access_amount__credit_type_id as pricing_unit_id,

        -- text
        name as recurring_credit_name,
        description,
        product__name as product_name,
        upper(access_amount__access_type) as access_type,
        upper(rate_type) as rate_type,
        upper(commit_duration__unit) as duration_unit,
        upper(recurrence_frequency) as recurrence_frequency,
        upper(proration) as proration,
        upper(subscription_config__allocation) as seat_allocation,

        -- numerics
        priority,
        access_amount__unit_price as unit_price,
        access_amount__quantity as quantity,
        commit_duration__value as duration,
        rollover_fraction,

        -- json
        applicable_product_ids,
        applicable_product_tags,
        specifiers,

        -- timestamps
        starting_at,
        ending_before,
        anchor_date as anchor_at
    from source
)

select * from renamed
