-- Fails for each day of an invoice whose stated total is not gross usage minus applied credit. Severity is warn
-- because the API states both.
{{ config(severity='warn') }}

select
    invoice_id,
    breakdown_date,
    total_amount,
    gross_usage_amount - applied_credit_amount as lines_amount
from {{ ref('int_invoice_breakdowns_daily_summed') }}
where not {{ equal_amounts('total_amount', '(gross_usage_amount - applied_credit_amount)') }}
