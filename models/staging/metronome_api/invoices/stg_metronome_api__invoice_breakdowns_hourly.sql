-- One row per invoice and hour of its period. `invoice_breakdown_hourly_lines` has the cost of each line.
with

source as (
    select * from {{ source('raw_api', 'invoice_breakdowns_hourly') }}
),

renamed as (
    select
        -- ids
        id as invoice_id,
        customer_id,
        plan_id,
        contract_id,
        credit_type__id as pricing_unit_id,

        -- text
        upper(type) as invoice_type,
        upper(status) as invoice_status,
        credit_type__name as source_pricing_unit,

        -- numerics
        total,

        -- timestamps
        breakdown_start_timestamp as breakdown_start_at,
        breakdown_end_timestamp as breakdown_end_at,
        start_timestamp as period_start_at,
        end_timestamp as period_end_at,
        issued_at
    from source
)

select * from renamed
