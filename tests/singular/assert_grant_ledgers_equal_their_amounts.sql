-- Fails for each entry of a credit ledger whose absolute amount is not the change of the running balance. Severity is
-- warn because Metronome's documentation shows both signs, and because a window of a ledger can begin anywhere.
{{ config(severity='warn') }}

with

stated as (
    select
        customer_id || ':' || cast(ledger_number as string) || ':' || cast(entry_number as string)
            as ledger_entry_id,
        amount
    from {{ ref('stg_metronome_api__credit_ledger_entries') }}
    union all
    select
        customer_id || ':' || cast(ledger_number as string) || ':pending ' || cast(entry_number as string)
            as ledger_entry_id,
        amount
    from {{ ref('stg_metronome_api__credit_ledger_pending_entries') }}
)

select
    stated.ledger_entry_id,
    stated.amount as source_amount,
    dated.amount
from stated
inner join {{ ref('int_credit_ledger_entries_dated') }} as dated
    on stated.ledger_entry_id = dated.ledger_entry_id
where not {{ equal_amounts('abs(stated.amount)', 'abs(dated.amount)') }}
