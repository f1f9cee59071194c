-- One row per line of a billed invoice, and one per line of an open invoice and day with a drafts snapshot.
with

invoices as (
    select * from {{ ref('int_invoices_classified') }}
    where is_billed
),

lines as (
    select * from {{ ref('int_invoice_lines_combined') }}
),

drafts as (
    select * from {{ ref('int_draft_invoices_daily') }}
),

draft_lines as (
    select * from {{ ref('int_draft_invoice_lines_daily') }}
),

balances as (
    select * from {{ ref('int_balances_combined') }}
),

billed_and_open as (
    select
        cast(null as date) as snapshot_date,
        lines.invoice_id,
        invoices.environment_type,
        invoices.customer_id,
        invoices.contract_id,
        invoices.plan_id,
        invoices.billing_month,
        true as is_due,
        lines.line_kind,
        lines.product_id,
        lines.balance_id,
        lines.pricing_unit,
        lines.amount,
        lines.pricing_unit = invoices.pricing_unit as is_in_invoice_unit,
        lines.is_in_invoice_total
    from lines
    inner join invoices on lines.invoice_id = invoices.invoice_id
    union all
    select
        draft_lines.snapshot_date,
        draft_lines.invoice_id,
        drafts.environment_type,
        drafts.customer_id,
        drafts.contract_id,
        drafts.plan_id,
        cast(null as date) as billing_month,
        -- an open invoice without a period waits for its date; an unbillable invoice is not billed
        drafts.period_start_at is not null and not drafts.is_unbillable as is_due,
        draft_lines.line_kind,
        draft_lines.product_id,
        draft_lines.balance_id,
        draft_lines.pricing_unit,
        draft_lines.amount,
        draft_lines.pricing_unit = drafts.pricing_unit as is_in_invoice_unit,
        draft_lines.is_in_invoice_total
    from draft_lines
    inner join drafts
        on
            draft_lines.snapshot_date = drafts.snapshot_date
            and draft_lines.invoice_id = drafts.invoice_id
)

select
    billed_and_open.*,
    balances.balance_type
from billed_and_open
left join balances on billed_and_open.balance_id = balances.balance_id
