-- One row per commit, credit or credit grant, with its balance at the as-of instant, in the major unit.
with

balances as (
    select * from {{ ref('int_commits_and_credits_valued') }}
    union all
    select * from {{ ref('int_credit_grants_valued') }}
)

select
    balance_id,
    balance_type,
    balance_name,
    customer_id,
    contract_id,
    {{ pricing_unit('source_pricing_unit') }} as pricing_unit,
    {{ major_amount('granted', 'source_pricing_unit') }} as granted_amount,
    {{ major_amount('balance', 'source_pricing_unit') }} as balance_amount,
    {{ major_amount('balance_excluding_pending', 'source_pricing_unit') }} as balance_excluding_pending_amount,
    {{ major_amount('expiring_30d', 'source_pricing_unit') }} as expiring_30d_amount,
    next_expiry_at,
    {{ major_amount('next_expiring', 'source_pricing_unit') }} as next_expiring_amount,
    {{ major_amount('expired', 'source_pricing_unit') }} as expired_amount,
    -- the customer owes the rest of a postpaid commit and cannot spend it
    balance_type <> 'POSTPAID' as is_spendable
from balances
