-- Warns for each commit, credit or credit grant that a VOID invoice still takes off: no entry of the ledger gives it
-- back. The deduction counts until one does.
{{ config(severity='warn') }}

with

entries as (
    select
        credit_id,
        invoice_id,
        amount
    from {{ ref('int_balance_ledger_valued') }}
    where entry_type <> 'GRANT_PENDING'
    union all
    -- the API lists no entries of a customer's ledger where the token may not read it
    select
        credit_grant_id as credit_id,
        invoice_id,
        amount
    from {{ ref('int_grant_deductions_united') }}
    where source = 'api' and not exists (select 1 from {{ ref('stg_metronome_api__credit_ledger_entries') }})
)

select
    entries.credit_id,
    entries.invoice_id,
    sum(entries.amount) as amount
from entries
inner join {{ ref('int_invoices_united') }} as invoices on entries.invoice_id = invoices.invoice_id
where invoices.invoice_status = 'VOID'
group by entries.credit_id, entries.invoice_id
having sum(entries.amount) < 0
