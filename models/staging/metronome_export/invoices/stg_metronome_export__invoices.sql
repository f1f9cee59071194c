{%- set key = {'id': 'invoice_id'} -%}
-- One row per finalized or voided invoice, in its newest version. A VOID row supersedes the FINALIZED one. Drafts
-- are in `draft_invoices`.
{{ incremental_or_table(key) }}

with

source as {{ not_materialized_at_first() }} (
    {{ incremental_rows(source('raw_export', 'invoice'), key) }}
),

deduplicated as (
    {{ deduplicated('source', ['environment_type', 'id']) }}
),

renamed as (
    select
        -- ids
        id as invoice_id,
        customer_id,
        plan_id,
        contract_id,
        credit_type_id as pricing_unit_id,
        billing_provider_invoice_id,

        -- text
        environment_type,
        upper(status) as invoice_status,
        invoice_label,
        plan_name,
        credit_type_name as source_pricing_unit,
        billing_provider_type,
        upper(billing_provider_invoice_external_status) as external_status,

        -- numerics
        total,

        -- json
        metadata,

        -- timestamps
        start_timestamp as period_start_at,
        end_timestamp as period_end_at,
        issued_at,
        billing_provider_invoice_created_at,
        updated_at
        {{- file_and_load() }}
    from deduplicated
)

select * from renamed
