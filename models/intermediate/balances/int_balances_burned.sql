-- One row per customer, pricing unit and balance that the customer used on the 30 whole days before the as-of
-- instant. The amounts come from breakdowns, because a ledger has only one deduction per invoice.
select
    customer_id,
    pricing_unit,
    balance_id,
    -{{ sum_amounts('amount') }} as burned_30d_amount
from {{ ref('int_invoice_breakdown_lines_classified') }}
where
    is_applied_credit
    and breakdown_date >= {{ dbt.dateadd('day', -30, as_of_date()) }}
    and breakdown_date < {{ as_of_date() }}
group by customer_id, pricing_unit, balance_id
