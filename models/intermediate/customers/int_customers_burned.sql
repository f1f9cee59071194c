-- One row per customer and pricing unit in which it used a balance on the 30 whole days before the as-of instant.
select
    customer_id,
    pricing_unit,
    {{ sum_amounts('burned_30d_amount') }} as burned_30d_amount
from {{ ref('int_balances_burned') }}
group by customer_id, pricing_unit
