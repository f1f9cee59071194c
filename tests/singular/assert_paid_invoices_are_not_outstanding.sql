-- Warns for each outstanding invoice that Metronome itself collected. A payment of the export is PAID, and the
-- billing provider does not report the invoice as settled.
{{ config(severity='warn') }}

select
    invoices.invoice_id,
    invoices.total_amount,
    invoices.external_status,
    payments.payment_id
from {{ ref('int_invoices_classified') }} as invoices
inner join {{ ref('stg_metronome_export__payments') }} as payments on invoices.invoice_id = payments.invoice_id
where
    invoices.is_outstanding
    and payments.payment_status = 'PAID'
