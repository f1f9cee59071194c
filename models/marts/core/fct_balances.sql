-- One row per commit, credit or credit grant, with its balance at the as-of instant.
with

credits as (
    select * from {{ ref('int_balances_valued') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

availability as (
    select * from {{ ref('int_data_availability') }}
),

burned as (
    select
        balance_id,
        {{ sum_amounts('burned_30d_amount') }} as burned_30d_amount
    from {{ ref('int_balances_burned') }}
    group by balance_id
)

select
    credits.balance_id,
    credits.balance_type,
    credits.balance_name,
    customers.environment_type,
    credits.customer_id,
    credits.contract_id,
    credits.pricing_unit,
    credits.granted_amount,
    credits.balance_amount,
    credits.balance_excluding_pending_amount,
    {{ as_amount('credits.balance_excluding_pending_amount - credits.balance_amount') }}
        as pending_amount,
    credits.expiring_30d_amount,
    credits.next_expiry_at,
    credits.next_expiring_amount,
    credits.expired_amount,
    {{ known_amount('burned.burned_30d_amount', 'availability.has_daily_breakdowns') }} as burned_30d_amount,
    case
        when availability.has_daily_breakdowns
            then {{ days_left('credits.balance_amount', 'burned.burned_30d_amount') }}
    end as days_left,
    credits.is_spendable
from credits
left join customers on credits.customer_id = customers.customer_id
left join availability on credits.customer_id = availability.customer_id
left join burned on credits.balance_id = burned.balance_id
