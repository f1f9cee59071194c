-- One row per month, revenue kind and pricing unit.
select
    {{ month_text('revenue.revenue_month') }} as month,
    revenue.pricing_unit,
    revenue.revenue_kind,
    revenue.recognized_amount as recognized,
    revenue.accrued_amount as accrued,
    revenue.billed_amount as billed,
    revenue.accrued_on,
    revenue.environment_type
from {{ ref('fct_revenue_by_month') }} as revenue
inner join {{ ref('report_parameters') }} as arguments
    on revenue.environment_type is not distinct from arguments.environment_type
