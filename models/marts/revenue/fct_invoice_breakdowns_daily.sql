-- One row per day of an invoice that is included in totals.
select
    invoice_id,
    breakdown_date,
    breakdown_start_at,
    breakdown_end_at,
    environment_type,
    customer_id,
    contract_id,
    plan_id,
    plan_name,
    invoice_status,
    pricing_unit,
    gross_usage_amount,
    applied_credit_amount,
    total_amount
from {{ ref('int_invoice_breakdowns_daily_summed') }}
