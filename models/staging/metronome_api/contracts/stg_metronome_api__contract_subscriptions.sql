-- One row per subscription of a contract. A subscription is a recurring fee.
with

source as (
    select * from {{ source('raw_api', 'contract_subscriptions') }}
),

renamed as (
    select
        -- ids
        contract_id,
        subscription_number,
        id as subscription_id,
        customer_id,
        subscription_rate__product__id as product_id,
        coalesce(custom_credit_type_id, fiat_credit_type_id) as pricing_unit_id,

        -- text
        name as subscription_name,
        description,
        subscription_rate__product__name as product_name,
        upper(collection_schedule) as collection_schedule,
        upper(subscription_rate__billing_frequency) as billing_frequency,
        upper(quantity_management_mode) as quantity_management_mode,
        seat_config__seat_group_key as seat_group_key,
        upper(proration__invoice_behavior) as proration_billing,
        upper(billing_cycle_config__invoice_placement) as invoice_placement,

        -- booleans
        proration__is_prorated as is_prorated,

        -- json
        custom_fields,

        -- timestamps
        starting_at,
        ending_before,
        billing_periods__previous__starting_at as previous_period_start_at,
        billing_periods__previous__ending_before as previous_period_end_at,
        billing_periods__current__starting_at as current_period_start_at,
        billing_periods__current__ending_before as current_period_end_at,
        billing_periods__next__starting_at as next_period_start_at,
        billing_periods__next__ending_before as next_period_end_at,
        created_at
    from source
)

select * from renamed
