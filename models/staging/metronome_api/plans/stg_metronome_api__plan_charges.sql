-- One row per charge of a plan.
with

source as (
    select * from {{ source('raw_api', 'plan_charges') }}
),

renamed as (
    select
        -- ids
        plan_id,
        charge_number,
        id as charge_id,
        product_id,
        credit_type__id as pricing_unit_id,

        -- text
        name as charge_name,
        product_name,
        upper(charge_type) as charge_type,
        credit_type__name as source_pricing_unit,
        upper(unit_conversion__rounding_behavior) as unit_rounding,

        -- numerics
        start_period,
        tier_reset_frequency,
        quantity,
        unit_conversion__division_factor as units_per_billed_unit,

        -- json
        prices,
        custom_fields
    from source
)

select * from renamed
