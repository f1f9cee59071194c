-- One row per ledger entry of a commit or credit, in the source pricing unit. It states whether the entry is an
-- expiry, whether it is pending, and whether it is usable at the as-of instant.
with

balances as (
    select * from {{ ref('int_balances_combined') }}
    where coalesce(access_type, 'SPEND') <> 'QUANTITY'  -- QUANTITY balances hold units of usage, not money
),

entries as (
    select * from {{ ref('int_balance_ledger_entries_combined') }}
),

segments as (
    select * from {{ ref('int_balance_segments_combined') }}
)

select
    entries.balance_id || ':' || cast(entries.entry_number as string) as ledger_entry_id,
    entries.balance_id as ledger_id,
    entries.balance_id,
    balances.customer_id,
    entries.entry_type,
    balances.source_pricing_unit,
    entries.amount,
    {{ sum_source_amounts('entries.amount', over='ledger_so_far') }} as running_balance,
    entries.segment_id,
    entries.invoice_id,
    entries.reason,
    entries.effective_at,
    coalesce(entries.entry_type like '%!_EXPIRATION' escape '!', false) as is_expiry,
    -- the deduction of an open period is dated at the end of the period
    entries.effective_at > {{ as_of() }} as is_pending,
    -- an entry is usable while its segment is open; an entry without a segment is always usable
    segments.segment_id is null
    or (segments.starting_at <= {{ as_of() }} and {{ as_of() }} < segments.ending_before) as is_usable
from entries
inner join balances on entries.balance_id = balances.balance_id
left join segments
    on
        entries.balance_id = segments.balance_id
        and entries.segment_id = segments.segment_id
window
    ledger_so_far as (
        partition by entries.balance_id
        order by entries.effective_at asc nulls last, entries.entry_number asc
        rows between unbounded preceding and current row
    )
