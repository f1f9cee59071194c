-- One row per line of a daily breakdown of an invoice that is included in totals. Adjustments of a plan are lines.
with

invoices as (
    select * from {{ ref('int_invoices_classified') }}
    where is_included_in_totals
),

valued as (
    select
        *,
        {{ pricing_unit('source_pricing_unit') }} as pricing_unit,
        {{ major_amount('total', 'source_pricing_unit') }} as amount
    from {{ ref('int_invoice_breakdown_lines_combined') }}
)

select
    valued.invoice_id,
    valued.breakdown_start_at,
    cast(valued.breakdown_start_at as date) as breakdown_date,
    invoices.customer_id,
    valued.product_id,
    valued.line_kind,
    valued.line_name,
    valued.balance_id,
    valued.pricing_unit,
    valued.amount,
    -- same rule as for the lines of the invoice
    valued.pricing_unit = invoices.pricing_unit
    and coalesce(valued.applied_balance_type, '') <> 'POSTPAID' as is_in_invoice_total,
    coalesce(
        valued.line_kind = 'applied_commit_or_credit'
        and valued.applied_balance_type in ('PREPAID', 'CREDIT', 'CREDIT_GRANT'),
        false
    ) as is_applied_credit
from valued
inner join invoices on valued.invoice_id = invoices.invoice_id
