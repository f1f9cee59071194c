-- One row per month, plan and pricing unit, with the billed amount.
select
    {{ month_text('billings.billing_month') }} as month,
    billings.environment_type,
    billings.plan_id,
    billings.plan_name,
    billings.pricing_unit,
    billings.customers,
    billings.invoices,
    billings.billed_amount,
    billings.plan_kind
from {{ ref('fct_billings_by_plan') }} as billings
inner join {{ ref('report_parameters') }} as arguments
    on billings.environment_type is not distinct from arguments.environment_type
