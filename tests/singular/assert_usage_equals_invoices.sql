-- Fails for each charge of a finalized invoice whose quantity is not what the events of its period make.
-- It warns: late events are billed only when an invoice is regenerated.
{{ config(severity='warn') }}

select
    invoice_id,
    charge_name,
    invoice_quantity,
    events_quantity,
    difference
from {{ ref('fct_reconciliation_usage') }}
where outcome = 'different'
