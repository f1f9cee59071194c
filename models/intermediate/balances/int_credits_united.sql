-- One row per commit, credit or credit grant, valued at the as-of instant in the major unit.
with

credits as (
    select * from {{ ref('int_commits_and_credits_valued') }}
    union all
    select * from {{ ref('int_credit_grants_valued') }}
)

select
    credit_id,
    credit_type,
    credit_name,
    customer_id,
    contract_id,
    {{ pricing_unit('stated_unit') }} as pricing_unit,
    {{ major_amount('granted', 'stated_unit') }} as granted_amount,
    {{ major_amount('balance', 'stated_unit') }} as balance_amount,
    {{ major_amount('balance_excluding_pending', 'stated_unit') }} as balance_excluding_pending_amount,
    {{ major_amount('expiring_30d', 'stated_unit') }} as expiring_30d_amount,
    next_expiry_at,
    {{ major_amount('next_expiring', 'stated_unit') }} as next_expiring_amount,
    {{ major_amount('expired', 'stated_unit') }} as expired_amount,
    -- what is left of a postpaid commit is owed by the customer, not at its disposal
    credit_type <> 'POSTPAID' as is_spendable
from credits
