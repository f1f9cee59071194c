-- One row per invoice, whatever its status.
with

source as (
    select * from {{ source('raw_api', 'invoices') }}
),

renamed as (
    select
        -- ids
        id as invoice_id,
        customer_id,
        plan_id,
        contract_id,
        credit_type__id as pricing_unit_id,
        regenerated_from_invoice_id,
        external_invoice__invoice_id as billing_provider_invoice_id,

        -- text
        upper(type) as invoice_type,
        upper(status) as invoice_status,
        plan_name,
        credit_type__name as stated_unit,
        external_invoice__billing_provider_type as billing_provider_type,
        upper(external_invoice__external_status) as external_status,
        external_invoice__billing_provider_error as billing_provider_error,

        -- numerics
        total,
        subtotal,
        net_payment_terms_days,

        -- json
        custom_fields,

        -- timestamps
        start_timestamp as period_start_at,
        end_timestamp as period_end_at,
        issued_at
    from source
)

select * from renamed
