-- One row per entry of a ledger by which a prepaid commit, or a part of it, expired by the as-of instant.
-- It belongs to the month in which the commit's time ended: one until 1 April ended with March.
select
    ledger_entry_id,
    environment_type,
    customer_id,
    contract_id,
    credit_id,
    pricing_unit,
    case
        when effective_at = date_trunc('month', effective_at) then {{ first_of_month('effective_at', -1) }}
        else {{ first_of_month('effective_at') }}
    end as expiry_month,
    cast(-amount as {{ amount_type() }}) as expired_amount
from {{ ref('int_balance_ledger_valued') }}
where
    credit_type = 'PREPAID'
    and entry_type like '%EXPIRATION'
    and not is_pending
