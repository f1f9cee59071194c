-- Fails for each invoice that differs between the API and the export, and for each invoice that only one source has
-- without an explanation. Severity is warn because the export is some hours behind.
{{ config(severity='warn') }}

select
    invoice_id,
    outcome,
    different_fields,
    api_total_amount,
    export_total_amount
from {{ ref('fct_reconciliation_sources') }}
where outcome <> 'equal' and explanation is null
