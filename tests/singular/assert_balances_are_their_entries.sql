-- Fails for each usable commit or credit whose balance before pending deductions is not the sum of its posted, usable
-- ledger entries. The sum is never below 0.
select
    credits.balance_id,
    credits.balance_excluding_pending_amount,
    greatest(coalesce(sum(entries.amount), 0), 0) as posted_amount
from {{ ref('fct_balances') }} as credits
left join {{ ref('fct_balance_ledger') }} as entries
    on
        credits.balance_id = entries.balance_id
        and entries.is_usable
        and not entries.is_pending
where credits.balance_type <> 'CREDIT_GRANT' and credits.next_expiry_at is not null
group by credits.balance_id, credits.balance_excluding_pending_amount
{%- set ledger_balance = 'greatest(coalesce(sum(entries.amount), 0), 0)' %}
having not {{ equal_amounts('credits.balance_excluding_pending_amount', ledger_balance) }}
