-- Fails for each invoice whose daily breakdowns do not add up to its total, if all days were read. Severity is warn
-- because late usage changes the days of an invoice even after it is finalized.
{{ config(severity='warn') }}

select
    invoice_id,
    total_amount,
    days_amount
from {{ ref('fct_reconciliation_lines') }}
where days_difference_amount <> 0
