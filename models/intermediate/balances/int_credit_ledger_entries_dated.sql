-- One row per entry of a customer's credit ledger in the plans model, in the source pricing unit. The amount of an
-- entry is the change of the running balance, because Metronome documents the sign of a deduction in two ways.
with

ledgers as (
    select * from {{ ref('stg_metronome_api__credit_ledgers') }}
),

credit_grants as (
    select * from {{ ref('stg_metronome_api__credit_grants') }}
),

entries as (
    select
        *,
        'GRANT_POSTED' as entry_type
    from {{ ref('stg_metronome_api__credit_ledger_entries') }}
    union all
    select
        *,
        'GRANT_PENDING' as entry_type
    from {{ ref('stg_metronome_api__credit_ledger_pending_entries') }}
)

select
    entries.customer_id || ':' || cast(entries.ledger_number as string)
    || case entries.entry_type when 'GRANT_PENDING' then ':pending ' else ':' end
    || cast(entries.entry_number as string) as ledger_entry_id,
    entries.customer_id || ':' || cast(entries.ledger_number as string) as ledger_id,
    entries.credit_grant_id as balance_id,
    entries.customer_id,
    entries.entry_type,
    ledgers.source_pricing_unit,
    {{ as_source_amount('entries.running_balance') }}
    - lag(
        {{ as_source_amount('entries.running_balance') }},
        1,
        {{ as_source_amount('ledgers.starting_balance_excluding_pending') }}
    )
        over (
            partition by entries.customer_id, entries.ledger_number
            order by entries.entry_type desc, entries.entry_number asc
        ) as amount,
    entries.running_balance,
    cast(null as string) as segment_id,
    entries.invoice_id,
    entries.reason,
    entries.effective_at,
    false as is_expiry,  -- a credit ledger has no entry for the expiry of a grant
    entries.entry_type = 'GRANT_PENDING' or entries.effective_at > {{ as_of() }} as is_pending,
    credit_grants.effective_at <= {{ as_of() }} and {{ as_of() }} < credit_grants.expires_at as is_usable
from entries
inner join ledgers
    on
        entries.customer_id = ledgers.customer_id
        and entries.ledger_number = ledgers.ledger_number
left join credit_grants on entries.credit_grant_id = credit_grants.credit_grant_id
