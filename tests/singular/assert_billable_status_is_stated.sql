-- Warns for each finalized invoice without a billable status whose customer was unbillable by then. The invoice
-- counts as billable. It is checked if its period starts, or it was issued, at or after the first instant of the
-- customer's status.
{{ config(severity='warn') }}

select
    invoices.invoice_id,
    invoices.customer_id,
    invoices.total_amount,
    customers.billable_status_effective_at
from {{ ref('int_invoices_combined') }} as invoices
inner join {{ ref('stg_metronome_api__customers') }} as customers on invoices.customer_id = customers.customer_id
where
    customers.billable_status = 'UNBILLABLE'
    and invoices.billable_status is null
    and invoices.invoice_status = 'FINALIZED'
    and coalesce(
        coalesce(invoices.period_start_at, invoices.issued_at) >= customers.billable_status_effective_at, true
    )
