-- One row per ledger entry of a commit or credit, from the source of the balance. Entry types have the API's names.
-- For example, the export's `prepaid_segment_expiration` becomes `PREPAID_COMMIT_EXPIRATION`.
with

balances as (
    select * from {{ ref('int_balances_combined') }}
),

ledgers as (
    select
        balance_id,
        ledger
    from {{ ref('stg_metronome_export__balances') }}
),

items as (
    {{ unnest_json_objects('ledgers', 'ledger') }}
),

exported as (
    select
        balance_id,
        element_number as entry_number,
        {{ json_text('element', 'segment_id') }} as segment_id,
        {{ json_text('element', 'invoice_id') }} as invoice_id,
        replace(
            replace(upper({{ json_text('element', 'type') }}), '_COMMIT_', '_'), '_SEGMENT_EXPIRATION', '_EXPIRATION'
        ) as short_type,
        {{ json_text('element', 'reason') }} as reason,
        {{ text_to_quantity(json_text('element', 'amount')) }} as amount,
        {{ text_to_instant(json_text('element', 'timestamp')) }} as effective_at
    from items
),

entries as (
    select
        'api' as source,
        balance_id,
        entry_number,
        segment_id,
        invoice_id,
        entry_type,
        reason,
        amount,
        effective_at
    from {{ ref('stg_metronome_api__balance_ledger_entries') }}
    union all
    select
        'export' as source,
        balance_id,
        entry_number,
        segment_id,
        invoice_id,
        replace(short_type, 'PAID_', 'PAID_COMMIT_') as entry_type,
        reason,
        amount,
        effective_at
    from exported
)

select
    entries.balance_id,
    entries.entry_number,
    entries.segment_id,
    entries.invoice_id,
    entries.entry_type,
    entries.reason,
    entries.amount,
    entries.effective_at
from entries
inner join balances
    on
        entries.balance_id = balances.balance_id
        and entries.source = balances.source
