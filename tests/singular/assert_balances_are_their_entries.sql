-- Fails for each usable commit or credit whose balance before pending deductions is not the sum of its posted, usable
-- ledger entries. The sum is never below 0.
with

summed as (
    select
        credits.balance_id,
        credits.balance_excluding_pending_amount,
        greatest(coalesce({{ sum_amounts('entries.amount') }}, 0), 0) as posted_amount
    from {{ ref('fct_balances') }} as credits
    left join {{ ref('fct_balance_ledger') }} as entries
        on
            credits.balance_id = entries.balance_id
            and entries.is_usable
            and not entries.is_pending
    where credits.balance_type <> 'CREDIT_GRANT' and credits.next_expiry_at is not null
    group by credits.balance_id, credits.balance_excluding_pending_amount
)

select * from summed
where not {{ equal_amounts('balance_excluding_pending_amount', 'posted_amount') }}
