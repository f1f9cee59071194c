-- One row per customer and pricing unit in which it has credit, with the sums of its spendable balances.
with

balances as (
    select
        *,
        balance_type = 'CREDIT_GRANT' as is_grant
    from {{ ref('int_balances_valued') }}
    where is_spendable
)

select
    customer_id,
    pricing_unit,
    {{ sum_amounts('case when is_grant then 0 else balance_amount end') }}
        as contract_balance_amount,
    {{ sum_amounts('case when is_grant then balance_amount else 0 end') }}
        as grant_balance_amount,
    {{ sum_amounts('balance_amount') }} as balance_amount,
    {{ sum_amounts('balance_excluding_pending_amount') }} as balance_excluding_pending_amount,
    {{ sum_amounts('expiring_30d_amount') }} as expiring_30d_amount,
    min(case when balance_amount > 0 then next_expiry_at end) as next_expiry_at
from balances
group by customer_id, pricing_unit
