-- One row per invoice of any status. A draft changes until it is finalized.
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
        correction_record__corrected_invoice_id as corrected_invoice_id,
        payer__customer_id as payer_customer_id,
        payer__contract_id as payer_contract_id,
        external_invoice__invoice_id as billing_provider_invoice_id,

        -- text
        upper(type) as invoice_type,
        upper(status) as invoice_status,
        plan_name,
        credit_type__name as source_pricing_unit,
        upper(billable_status) as billable_status,
        external_invoice__billing_provider_type as billing_provider_type,
        upper(external_invoice__external_status) as external_status,
        external_invoice__billing_provider_error as billing_provider_error,
        external_invoice__pdf_url as pdf_url,
        correction_record__reason as correction_reason,

        -- numerics
        total,
        subtotal,
        external_invoice__invoiced_total as billing_provider_total,
        external_invoice__invoiced_sub_total as billing_provider_subtotal,
        external_invoice__tax__total_tax_amount as billing_provider_tax,
        net_payment_terms_days,

        -- json
        custom_fields,
        reseller_royalty,
        revenue_system_invoices,

        -- timestamps
        start_timestamp as period_start_at,
        end_timestamp as period_end_at,
        issued_at,
        created_at,
        external_invoice__issued_at_timestamp as billing_provider_issued_at
    from source
)

select * from renamed
