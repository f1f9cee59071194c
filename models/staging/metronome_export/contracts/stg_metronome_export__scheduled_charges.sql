-- One row per scheduled charge of a contract, from the newest snapshot. `schedule` has its dates and amounts.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_scheduled_charges')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as scheduled_charge_id,
        contract_id,
        amendment_id,
        product_id,
        credit_type_id as pricing_unit_id,

        -- text
        environment_type,
        snapshot_id,
        name as scheduled_charge_name,
        description,
        credit_type_name as source_pricing_unit,

        -- json
        schedule,
        metadata,

        -- timestamps
        updated_at
    from deduplicated
)

select * from renamed
