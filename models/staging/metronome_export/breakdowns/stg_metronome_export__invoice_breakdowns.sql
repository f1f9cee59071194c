{%- set key = {'id': 'invoice_breakdown_id'} -%}
-- One row per window of a finalized invoice, from its newest snapshot. A window is a day, or an hour if
-- Metronome exports hourly breakdowns of the account.
{{ incremental_or_table(key) }}

with

source as {{ not_materialized_at_first() }} (
    {{ incremental_rows(source('raw_export', 'breakdowns_invoices'), key) }}
),

deduplicated as (
    {{ deduplicated('source', ['id'], ['snapshot_timestamp', 'updated_at']) }}
),

renamed as (
    select
        -- ids
        id as invoice_breakdown_id,
        invoice_id,
        customer_id,
        credit_type_id as pricing_unit_id,
        plan_id,
        contract_id,
        amendment_id,

        -- text
        environment_type,
        credit_type_name as source_pricing_unit,
        upper(type) as invoice_type,
        upper(billable_status) as billable_status,
        upper(window_size) as window_size,

        -- numerics
        net_payment_term_days as net_payment_terms_days,
        subtotal,
        total,

        -- json
        external_invoice,
        custom_fields,
        metadata,

        -- timestamps
        snapshot_timestamp as snapshot_at,
        issued_at,
        invoice_start_timestamp as period_start_at,
        invoice_end_timestamp as period_end_at,
        breakdown_start_timestamp as breakdown_start_at,
        breakdown_end_timestamp as breakdown_end_at,
        updated_at
        {{- file_and_load() }}
    from deduplicated
)

select * from renamed
