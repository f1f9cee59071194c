-- Fails for each billed invoice with days whose daily spend does not add up to its total. Severity is warn
-- because late usage changes the days of an invoice even after it is finalized.
{{ config(severity='warn') }}

with

spend as (
    select
        invoice_id,
        {{ sum_amounts('amount') }} as net_amount
    from {{ ref('int_daily_spend_classified') }}
    where is_in_invoice_total
    group by invoice_id
)

select
    invoices.invoice_id,
    invoices.total_amount,
    spend.net_amount
from {{ ref('fct_invoices') }} as invoices
inner join spend on invoices.invoice_id = spend.invoice_id
where
    invoices.is_billed
    and not {{ equal_amounts('invoices.total_amount', 'spend.net_amount') }}
