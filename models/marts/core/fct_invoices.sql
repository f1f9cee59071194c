-- One row per invoice.
with

invoices as (
    select * from {{ ref('int_invoices_classified') }}
),

invoices_summed as (
    select * from {{ ref('int_invoices_summed') }}
)

select
    invoices.invoice_id,
    invoices.source,
    invoices.environment_type,
    invoices.customer_id,
    invoices.invoice_type,
    invoices.invoice_status,
    invoices.plan_id,
    invoices.plan_name,
    invoices.plan_kind,
    invoices.contract_id,
    invoices.contract_name,
    invoices.regenerated_from_invoice_id,
    invoices.pricing_unit,
    invoices.total_amount,
    cast(coalesce(invoices_summed.gross_usage_amount, 0) as {{ amount_type() }}) as gross_usage_amount,
    cast(coalesce(invoices_summed.applied_credit_amount, 0) as {{ amount_type() }})
        as applied_credit_amount,
    invoices.period_start_at,
    invoices.period_end_at,
    invoices.issued_at,
    invoices.billing_month,
    invoices.is_included_in_totals,
    invoices.is_billed,
    invoices.is_unbillable,
    invoices.billing_provider_type,
    invoices.billing_provider_invoice_id,
    invoices.external_status,
    invoices.billing_provider_error,
    invoices.is_payment_status_known,
    invoices.is_payment_failed,
    invoices.is_outstanding,
    cast(invoices.net_payment_terms_days as bigint) as net_payment_terms_days,
    invoices.due_at
from invoices
left join invoices_summed on invoices.invoice_id = invoices_summed.invoice_id
