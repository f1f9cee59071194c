-- Fails for each month, environment and pricing unit whose recognized revenue is not the billed amount, minus the price
-- of commits that are not postpaid, plus the draw-down of prepaid commits, plus their expiry. Each of these is summed
-- from the mart that states it, without revenue kinds. The two sides that are compared have no subtraction in them:
-- recognized revenue and the price of commits, and all else.
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
        lines.line_kind,
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
        amount as recognized_or_prepaid,
        null as billed_or_used
    from recognized
    union all
    select
        billing_month,
        environment_type,
        pricing_unit,
        null as recognized_or_prepaid,
        total_amount as billed_or_used
    from billed_invoices
    union all
    select
        billing_month,
        environment_type,
        pricing_unit,
        case when line_kind = 'commit_purchase' then amount end as recognized_or_prepaid,
        case when line_kind <> 'commit_purchase' then -amount end as billed_or_used
    from prepaid_lines
    union all
    select
        cast(date_trunc('month', effective_at - interval '1' second) as date) as revenue_month,
        environment_type,
        pricing_unit,
        null as recognized_or_prepaid,
        -amount as billed_or_used
    from expiries
),

summed as (
    select
        revenue_month,
        environment_type,
        pricing_unit,
        coalesce({{ sum_amounts('recognized_or_prepaid') }}, 0) as recognized_or_prepaid_amount,
        coalesce({{ sum_amounts('billed_or_used') }}, 0) as billed_or_used_amount
    from parts
    group by revenue_month, environment_type, pricing_unit
)

select * from summed
where not {{ equal_amounts('recognized_or_prepaid_amount', 'billed_or_used_amount') }}
