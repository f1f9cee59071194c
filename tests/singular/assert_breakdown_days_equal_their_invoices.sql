-- Fails for each invoice whose daily breakdowns do not add up to its total, if all days were read. Severity is warn
-- because late usage changes the days of an invoice even after it is finalized.
{{ config(severity='warn') }}

with

days as (
    select
        invoice_id,
        {{ sum_amounts('total_amount') }} as total_amount,
        min(breakdown_start_at) as first_at,
        max(breakdown_end_at) as last_at
    from {{ ref('fct_invoice_breakdowns_daily') }}
    group by invoice_id
)

select
    invoices.invoice_id,
    invoices.total_amount,
    days.total_amount as days_amount
from {{ ref('fct_invoices') }} as invoices
inner join days on invoices.invoice_id = days.invoice_id
where
    not {{ equal_amounts('invoices.total_amount', 'days.total_amount') }}
    and days.first_at <= invoices.period_start_at
    and days.last_at >= case
        when invoices.period_end_at < {{ as_of() }} then invoices.period_end_at
        else {{ as_of_date() }}
    end
