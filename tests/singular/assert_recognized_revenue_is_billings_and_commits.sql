-- Fails for each month, environment and pricing unit whose recognized revenue is not exactly the billed amount, minus
-- the price of commits that are not postpaid, plus the draw-down of prepaid commits, plus their expiry. Each of these
-- is summed from the mart that states it, without revenue kinds.
with

recognized as (
    select
        revenue_month,
        environment_type,
        pricing_unit,
        recognized_amount as amount
    from {{ ref('fct_recognized_revenue') }}
),

billed_invoices as (
    select * from {{ ref('fct_invoices') }}
    where is_billed
),

credits as (
    select * from {{ ref('fct_balances') }}
),

prepaid_lines as (
    select
        billed_invoices.billing_month,
        billed_invoices.environment_type,
        lines.pricing_unit,
        lines.amount
    from {{ ref('fct_invoice_lines') }} as lines
    inner join billed_invoices on lines.invoice_id = billed_invoices.invoice_id
    left join credits on lines.balance_id = credits.balance_id
    where
        (lines.line_kind = 'commit_purchase' and coalesce(credits.balance_type, 'PREPAID') = 'PREPAID')
        or (lines.line_kind = 'applied_commit_or_credit' and credits.balance_type = 'PREPAID')
),

expiries as (
    select * from {{ ref('fct_balance_ledger') }}
    where
        balance_type = 'PREPAID'
        and is_expiry
        and not is_pending
),

parts as (
    select
        revenue_month,
        environment_type,
        pricing_unit,
        -amount as amount
    from recognized
    union all
    select
        billing_month,
        environment_type,
        pricing_unit,
        total_amount
    from billed_invoices
    union all
    select
        billing_month,
        environment_type,
        pricing_unit,
        -amount as amount
    from prepaid_lines
    union all
    select
        cast(date_trunc('month', effective_at - interval '1' second) as date) as revenue_month,
        environment_type,
        pricing_unit,
        -amount as amount
    from expiries
)

select
    revenue_month,
    environment_type,
    pricing_unit,
    sum(amount) as difference
from parts
group by revenue_month, environment_type, pricing_unit
having sum(amount) <> 0
