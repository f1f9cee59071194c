-- One row per commit, credit or credit grant, valued at the as-of instant.
with

credits as (
    select * from {{ ref('int_credits_united') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

facts as (
    select * from {{ ref('int_facts_known') }}
),

burned as (
    select
        credit_id,
        sum(burned_30d_amount) as burned_30d_amount
    from {{ ref('int_credits_burned') }}
    group by credit_id
)

select
    credits.credit_id,
    credits.credit_type,
    credits.credit_name,
    customers.environment_type,
    credits.customer_id,
    credits.contract_id,
    credits.pricing_unit,
    credits.granted_amount,
    credits.balance_amount,
    credits.balance_excluding_pending_amount,
    cast(credits.balance_excluding_pending_amount - credits.balance_amount as {{ amount_type() }})
        as pending_amount,
    credits.expiring_30d_amount,
    credits.next_expiry_at,
    credits.next_expiring_amount,
    credits.expired_amount,
    {{ known_amount('burned.burned_30d_amount', 'facts.are_daily_breakdowns_known') }} as burned_30d_amount,
    case
        when facts.are_daily_breakdowns_known
            then {{ days_left('credits.balance_amount', 'burned.burned_30d_amount') }}
    end as days_left,
    credits.is_spendable
from credits
left join customers on credits.customer_id = customers.customer_id
left join facts on credits.customer_id = facts.customer_id
left join burned on credits.credit_id = burned.credit_id
