-- One row per customer and pricing unit with outstanding invoices, with amounts by age.
select
    ageing.customer_name,
    ageing.pricing_unit,
    ageing.outstanding_amount as outstanding_balance,
    ageing.not_due_amount as not_due,
    ageing.overdue_1_30_days_amount as overdue_1_30_days,
    ageing.overdue_31_60_days_amount as overdue_31_60_days,
    ageing.overdue_61_90_days_amount as overdue_61_90_days,
    ageing.overdue_over_90_days_amount as overdue_over_90_days,
    ageing.no_due_date_amount as no_due_date,
    ageing.oldest_due_at as oldest_due,
    ageing.outstanding_invoices,
    ageing.customer_id,
    ageing.environment_type,
    arguments.as_of
from {{ ref('fct_outstanding_ageing') }} as ageing
inner join {{ ref('report_parameters') }} as arguments
    on ageing.environment_type is not distinct from arguments.environment_type
