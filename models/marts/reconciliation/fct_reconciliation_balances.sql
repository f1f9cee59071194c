-- One row per commit, credit or credit grant that is usable at the as-of instant.
with

ledgers as (
    select
        *,
        {{ major_amount('balance', 'source_pricing_unit') }} as balance_amount,
        {{ major_amount('ledger_balance', 'source_pricing_unit') }} as ledger_amount
    from {{ ref('int_reconciliation_ledgers_summed') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
)

select
    ledgers.balance_id,
    ledgers.balance_type,
    customers.environment_type,
    ledgers.customer_id,
    {{ pricing_unit('ledgers.source_pricing_unit') }} as pricing_unit,
    case
        when ledgers.is_equal is null then 'not comparable'
        when ledgers.is_equal then 'equal'
        else 'different'
    end as outcome,
    ledgers.balance_amount,
    ledgers.ledger_amount,
    case
        when ledgers.is_equal then 0
        else {{ as_amount('ledgers.balance_amount - ledgers.ledger_amount') }}
    end as difference_amount
from ledgers
left join customers on ledgers.customer_id = customers.customer_id
