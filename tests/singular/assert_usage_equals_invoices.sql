-- Fails for each charge of a finalized invoice whose quantity is not the quantity of the events in its period.
-- Severity is warn because late events are billed only if the invoice is regenerated.
{{ config(severity='warn') }}

select
    invoice_id,
    charge_name,
    invoice_quantity,
    events_quantity,
    difference
from {{ ref('fct_reconciliation_usage') }}
where outcome = 'different'
