{%- set key = {'id': 'invoice_id', 'snapshot_time': 'snapshot_at'} -%}
-- One row per daily snapshot and draft invoice, with its total on that day.
{{ incremental_or_table(key) }}

with

source as {{ not_materialized_at_first() }} (
    {{ incremental_rows(source('raw_export', 'draft_invoice'), key) }}
),

deduplicated as (
    {{ deduplicated('source', ['environment_type', 'id', 'snapshot_time']) }}
),

renamed as (
    select
        -- ids
        id as invoice_id,
        credit_type_id as pricing_unit_id,
        customer_id,
        plan_id,
        contract_id,
        billing_provider_invoice_id,

        -- text
        environment_type,
        upper(status) as invoice_status,
        credit_type_name as source_pricing_unit,
        plan_name,
        upper(billable_status) as billable_status,
        label as invoice_label,

        -- numerics
        total,

        -- timestamps
        snapshot_time as snapshot_at,
        billing_provider_invoice_created_at,
        start_timestamp as period_start_at,
        end_timestamp as period_end_at,
        updated_at
        {{- file_and_load() }}
    from deduplicated
)

select * from renamed
