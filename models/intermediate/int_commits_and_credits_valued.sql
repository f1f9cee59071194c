-- One row per commit or credit of the contract vintage, valued at the as-of instant.
with

balances as (
    select * from {{ ref('stg_metronome_api__balances') }}
    where coalesce(access_type, 'SPEND') <> 'QUANTITY'  -- those count units of usage, not money
),

segments as (
    select * from {{ ref('stg_metronome_api__balance_segments') }}
),

ledger_entries as (
    select * from {{ ref('stg_metronome_api__balance_ledger_entries') }}
),

open_segments as (
    select
        balance_id,
        min(ending_before) as next_expiry_at,
        sum(case when ending_before <= {{ add_days(as_of(), 30) }} then amount else 0 end)
            as expiring_amount
    from segments
    where starting_at <= {{ as_of() }} and {{ as_of() }} < ending_before
    group by balance_id
),

granted as (
    select
        balance_id,
        sum(amount) as amount
    from segments
    group by balance_id
),

-- the deduction of an open period is dated at its end, so it is still to come
posted as (
    select
        balance_id,
        greatest(sum(amount), 0) as amount
    from ledger_entries
    where effective_at <= {{ as_of() }}
    group by balance_id
)

select
    balances.balance_id as credit_id,
    balances.balance_type as credit_type,
    balances.balance_name as credit_name,
    balances.customer_id,
    balances.contract_id,
    balances.stated_unit,
    granted.amount as granted,
    case when open_segments.balance_id is not null then balances.balance else 0 end as balance,
    case when open_segments.balance_id is not null then coalesce(posted.amount, 0) else 0 end
        as balance_excluding_pending,
    case
        when open_segments.balance_id is not null
            then least(balances.balance, open_segments.expiring_amount)
        else 0
    end as expiring_30d,
    open_segments.next_expiry_at
from balances
left join open_segments
    on
        balances.balance_id = open_segments.balance_id
        and (balances.archived_at is null or {{ as_of() }} < balances.archived_at)
left join granted on balances.balance_id = granted.balance_id
left join posted on balances.balance_id = posted.balance_id
