-- One row per day of an invoice that is included in totals, with gross usage, applied credit and the stated total.
with

breakdowns as (
    select * from {{ ref('int_invoice_breakdowns_combined') }}
),

invoices as (
    select * from {{ ref('int_invoices_classified') }}
    where is_included_in_totals
),

line_sums as (
    select
        invoice_id,
        breakdown_start_at,
        {{ sum_amounts('case when amount > 0 then amount else 0 end') }} as gross_usage_amount,
        -{{ sum_amounts('case when amount < 0 then amount else 0 end') }} as applied_credit_amount
    from {{ ref('int_invoice_breakdown_lines_classified') }}
    where is_in_invoice_total
    group by invoice_id, breakdown_start_at
)

select
    breakdowns.invoice_id,
    cast(breakdowns.breakdown_start_at as date) as breakdown_date,
    breakdowns.breakdown_start_at,
    breakdowns.breakdown_end_at,
    invoices.environment_type,
    invoices.customer_id,
    invoices.contract_id,
    invoices.plan_id,
    invoices.plan_name,
    invoices.invoice_type,
    invoices.invoice_status,
    invoices.pricing_unit,
    cast(coalesce(line_sums.gross_usage_amount, 0) as {{ amount_type() }}) as gross_usage_amount,
    cast(coalesce(line_sums.applied_credit_amount, 0) as {{ amount_type() }}) as applied_credit_amount,
    {{ major_amount('breakdowns.total', 'breakdowns.source_pricing_unit') }} as total_amount
from breakdowns
inner join invoices on breakdowns.invoice_id = invoices.invoice_id
left join line_sums
    on
        breakdowns.invoice_id = line_sums.invoice_id
        and breakdowns.breakdown_start_at = line_sums.breakdown_start_at
