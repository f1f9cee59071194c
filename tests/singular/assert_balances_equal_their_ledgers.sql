-- Fails for each commit or credit whose stated balance is not the sum of its ledger entries. The sum has the entries
-- of segments that cover the as-of instant, pending entries included, and is never below 0. Severity is warn because
-- the API states balances as of the moment it was read.
{{ config(severity='warn') }}

with

summed as (
    select
        valued.balance_id,
        valued.balance,
        greatest({{ sum_source_amounts('case when entries.is_usable then entries.amount else 0 end') }}, 0)
            as ledger_balance
    from {{ ref('int_commits_and_credits_valued') }} as valued
    inner join {{ ref('int_balance_ledger_entries_dated') }} as entries
        on valued.balance_id = entries.balance_id
    where valued.next_expiry_at is not null
    group by valued.balance_id, valued.balance
)

select * from summed
where not {{ equal_amounts('balance', 'ledger_balance') }}
