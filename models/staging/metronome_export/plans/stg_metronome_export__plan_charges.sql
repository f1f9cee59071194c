-- One row per charge of a plan and start period, in its newest version. `charge_id` repeats where the price changes
-- with the billing period.
with

source as (
    {{ live_rows(source('raw_export', 'plan_charge')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as plan_charge_id,
        charge_id,
        plan_id,
        product_id,
        billable_metric_id,
        credit_type_id as pricing_unit_id,

        -- text
        environment_type,
        coalesce(name, charge_name) as charge_name,
        product_name,
        billable_metric_name,
        credit_type_name as source_pricing_unit,
        charge_type,

        -- numerics
        start_period,
        quantity,

        -- json
        prices,
        custom_fields,

        -- timestamps
        updated_at
    from deduplicated
)

select * from renamed
