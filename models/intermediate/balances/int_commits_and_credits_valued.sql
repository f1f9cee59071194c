-- One row per commit or credit, with its balance at the as-of instant, in the source pricing unit.
with

balances as (
    select * from {{ ref('int_balances_combined') }}
    where coalesce(access_type, 'SPEND') <> 'QUANTITY'  -- QUANTITY balances hold units of usage, not money
),

segments as (
    select * from {{ ref('int_balance_segments_combined') }}
),

contracts as (
    select * from {{ ref('int_contracts_combined') }}
),

ledger_entries as (
    select * from {{ ref('int_balance_ledger_entries_dated') }}
),

open_segments as (
    select
        *,
        ending_before <= {{ dbt.dateadd('day', 30, as_of()) }} as is_expiring_30d,
        min(ending_before) over (partition by balance_id) as next_expiry_at
    from segments
    where starting_at <= {{ as_of() }} and {{ as_of() }} < ending_before
),

expiries as (
    select
        balance_id,
        next_expiry_at,
        {{ sum_source_amounts('case when ending_before = next_expiry_at then amount else 0 end') }} as next_expiring,
        {{ sum_source_amounts('case when is_expiring_30d then amount else 0 end') }} as expiring_30d
    from open_segments
    group by balance_id, next_expiry_at
),

granted as (
    select
        balance_id,
        {{ sum_source_amounts('amount') }} as amount
    from segments
    group by balance_id
),

ledgers as (
    select
        balance_id,
        greatest({{ sum_source_amounts('case when is_usable and not is_pending then amount else 0 end') }}, 0)
            as posted_balance,
        -{{ sum_source_amounts('case when is_usable and is_pending then amount else 0 end') }} as pending_deductions,
        -{{ sum_source_amounts('case when is_expiry and not is_pending then amount else 0 end') }} as expired
    from ledger_entries
    group by balance_id
),

joined as (
    select
        balances.*,
        granted.amount as granted,
        coalesce(ledgers.posted_balance, 0) as posted_balance,
        ledgers.expired,
        expiries.next_expiring,
        expiries.expiring_30d,
        expiries.next_expiry_at,
        expiries.balance_id is not null
        and (balances.archived_at is null or {{ as_of() }} < balances.archived_at)
        -- the commits of an archived contract cannot be used: their stated balance is 0, even if their ledgers are not
        and not (balances.balance = 0 and coalesce(contracts.archived_at <= {{ as_of() }}, false)) as is_open,
        -- stated as 0 although the ledger holds more than the pending deductions
        balances.balance = 0
        and coalesce(ledgers.posted_balance > ledgers.pending_deductions, false) as is_left_out
    from balances
    left join expiries on balances.balance_id = expiries.balance_id
    left join granted on balances.balance_id = granted.balance_id
    left join ledgers on balances.balance_id = ledgers.balance_id
    left join contracts on balances.contract_id = contracts.contract_id
)

select
    balance_id,
    balance_type,
    balance_name,
    customer_id,
    contract_id,
    source_pricing_unit,
    granted,
    case when is_open then balance else 0 end as balance,
    case when is_open and not is_left_out then posted_balance else 0 end as balance_excluding_pending,
    case when is_open then least(balance, expiring_30d) else 0 end as expiring_30d,
    case when is_open then next_expiry_at end as next_expiry_at,
    case when is_open then least(balance, next_expiring) end as next_expiring,
    coalesce(expired, 0) as expired
from joined
