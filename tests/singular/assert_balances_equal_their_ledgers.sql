-- Fails for each commit or credit whose stated balance is not the sum of its ledger. Only those that can
-- be used at the as-of instant: an expired or upcoming balance is stated as 0, and one that was
-- overdrawn by hand is never below 0. It warns: the API states balances for the moment it was read.
{{ config(severity='warn') }}

select
    balances.balance_id,
    balances.balance,
    greatest(sum(entries.amount), 0) as ledger_balance
from {{ ref('stg_metronome_api__balances') }} as balances
inner join {{ ref('stg_metronome_api__balance_ledger_entries') }} as entries
    on balances.balance_id = entries.balance_id
inner join {{ ref('int_commits_and_credits_valued') }} as valued
    on balances.balance_id = valued.credit_id
where valued.next_expiry_at is not null
group by balances.balance_id, balances.balance
having balances.balance <> greatest(sum(entries.amount), 0)
