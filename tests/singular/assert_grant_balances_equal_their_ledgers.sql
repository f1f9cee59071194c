-- Fails for each customer and pricing unit whose open credit grants do not add up to the ending balance of its credit
-- ledger, before and after pending deductions. Severity is warn because the ledger can include voided grants, and
-- because the API states both as of the moment it was read.
{{ config(severity='warn') }}

with

grants as (
    select
        customer_id,
        source_pricing_unit,
        {{ sum_source_amounts('balance') }} as balance,
        {{ sum_source_amounts('balance_excluding_pending') }} as balance_excluding_pending
    from {{ ref('int_credit_grants_valued') }}
    group by customer_id, source_pricing_unit
)

select
    ledgers.customer_id,
    ledgers.source_pricing_unit,
    ledgers.ending_balance_excluding_pending,
    grants.balance_excluding_pending,
    ledgers.ending_balance_including_pending,
    grants.balance
from {{ ref('stg_metronome_api__credit_ledgers') }} as ledgers
inner join grants
    on
        ledgers.customer_id = grants.customer_id
        and ledgers.source_pricing_unit = grants.source_pricing_unit
where
    not {{ equal_amounts('ledgers.ending_balance_excluding_pending', 'grants.balance_excluding_pending') }}
    or not {{ equal_amounts('ledgers.ending_balance_including_pending', 'grants.balance') }}
