-- One row per invoice, from its source, with its total and the sums of its parts.
with

invoices as {{ not_materialized() }} (
    select * from {{ ref('fct_invoices') }}
),

lines as (
    select
        invoice_id,
        {{ sum_amounts('amount') }} as amount
    from {{ ref('fct_invoice_lines') }}
    where is_in_invoice_total
    group by invoice_id
),

sub_lines as (
    select
        source,
        invoice_id,
        -- absolute, so that differences do not cancel out
        {{ sum_amounts('abs(difference_amount)') }} as difference_amount
    from {{ ref('int_reconciliation_sub_lines_summed') }}
    group by source, invoice_id
),

days as (
    select
        invoice_id,
        {{ sum_amounts('total_amount') }} as amount,
        min(breakdown_start_at) as first_at,
        max(breakdown_end_at) as last_at
    from {{ ref('fct_invoice_breakdowns_daily') }}
    group by invoice_id
),

-- an invoice is compared with its days if all of them up to the as-of instant were read
complete_days as (
    select
        days.invoice_id,
        days.amount
    from days
    inner join invoices on days.invoice_id = invoices.invoice_id
    where
        days.first_at <= invoices.period_start_at
        and days.last_at >= case
            when invoices.period_end_at < {{ as_of() }} then invoices.period_end_at
            else {{ as_of_date() }}
        end
)

select
    invoices.invoice_id,
    invoices.source,
    invoices.environment_type,
    invoices.customer_id,
    invoices.invoice_status,
    invoices.pricing_unit,
    invoices.total_amount,
    cast(coalesce(lines.amount, 0) as {{ amount_type() }}) as lines_amount,
    -- a draft that Metronome has not computed can lack lines
    case
        when invoices.invoice_status <> 'DRAFT_INCOMPLETE'
            then {{ amount_difference('invoices.total_amount', 'coalesce(lines.amount, 0)') }}
    end as lines_difference_amount,
    sub_lines.difference_amount as sub_lines_difference_amount,
    complete_days.amount as days_amount,
    {{ amount_difference('invoices.total_amount', 'complete_days.amount') }} as days_difference_amount
from invoices
left join lines on invoices.invoice_id = lines.invoice_id
left join sub_lines
    on
        invoices.invoice_id = sub_lines.invoice_id
        and invoices.source = sub_lines.source
left join complete_days on invoices.invoice_id = complete_days.invoice_id
