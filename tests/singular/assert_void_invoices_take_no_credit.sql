-- Warns for each commit, credit or credit grant with a deduction of a VOID invoice that no ledger entry gives back.
-- The deduction counts until an entry gives it back.
{{ config(severity='warn') }}

select
    entries.balance_id,
    entries.invoice_id,
    entries.pricing_unit,
    {{ sum_amounts('entries.amount') }} as amount
from {{ ref('fct_balance_ledger') }} as entries
inner join {{ ref('int_invoices_combined') }} as invoices on entries.invoice_id = invoices.invoice_id
where
    invoices.invoice_status = 'VOID'
    and entries.entry_type <> 'GRANT_PENDING'
group by entries.balance_id, entries.invoice_id, entries.pricing_unit
having {{ sum_amounts('entries.amount') }} < 0
