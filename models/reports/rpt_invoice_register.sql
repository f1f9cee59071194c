-- One row per invoice, whatever its status.
select
    customers.customer_name,
    invoices.invoice_id,
    invoices.invoice_status,
    invoices.total_amount as total,
    coalesce(outstanding.outstanding_amount, 0) as amount_due,
    invoices.pricing_unit,
    invoices.issued_at,
    invoices.due_at as due,
    outstanding.ageing_bucket,
    invoices.external_status,
    invoices.billing_provider_type,
    invoices.billing_provider_invoice_id,
    invoices.period_start_at as period_start,
    invoices.period_end_at as period_end,
    {{ month_text('invoices.billing_month') }} as month,
    invoices.invoice_type,
    invoices.plan_name,
    invoices.plan_kind,
    invoices.contract_name,
    invoices.gross_usage_amount as gross_usage,
    invoices.applied_credit_amount as applied_credit,
    invoices.is_billed,
    invoices.is_included_in_totals,
    invoices.billing_provider_error,
    invoices.net_payment_terms_days,
    invoices.regenerated_from_invoice_id,
    invoices.contract_id,
    invoices.plan_id,
    invoices.customer_id,
    invoices.environment_type
from {{ ref('fct_invoices') }} as invoices
inner join {{ ref('report_parameters') }} as arguments
    on invoices.environment_type is not distinct from arguments.environment_type
left join {{ ref('dim_customers') }} as customers on invoices.customer_id = customers.customer_id
left join {{ ref('fct_outstanding_invoices') }} as outstanding on invoices.invoice_id = outstanding.invoice_id
