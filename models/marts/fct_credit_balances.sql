-- One row per commit, credit or credit grant, valued at the as-of instant.
with

customers as (
    select * from {{ ref('dim_customers') }}
),

credits as (
    select * from {{ ref('int_commits_and_credits_valued') }}
    union all
    select * from {{ ref('int_credit_grants_valued') }}
)

select
    credits.credit_id,
    credits.credit_type,
    credits.credit_name,
    customers.environment_type,
    credits.customer_id,
    credits.contract_id,
    {{ pricing_unit('credits.stated_unit') }} as pricing_unit,
    {{ major_amount('credits.granted', 'credits.stated_unit') }} as granted_amount,
    {{ major_amount('credits.balance', 'credits.stated_unit') }} as balance_amount,
    {{ major_amount('credits.balance_excluding_pending', 'credits.stated_unit') }}
        as balance_excluding_pending_amount,
    {{ major_amount('credits.expiring_30d', 'credits.stated_unit') }} as expiring_30d_amount,
    credits.next_expiry_at,
    -- what is left of a postpaid commit is owed by the customer, not at its disposal
    credits.credit_type <> 'POSTPAID' as is_spendable
from credits
left join customers on credits.customer_id = customers.customer_id
