-- One row per line and kind of revenue that it changes: what it adds to the invoiced amount, and what to
-- revenue. A line that applies a commit changes two: it takes usage off one kind and adds it to another.
with

lines as {{ not_materialized() }} (
    select
        *,
        case
            when line_kind <> 'applied_commit_or_credit' then 'charge'
            when is_in_invoice_unit and not is_in_invoice_total then 'postpaid'
            when balance_type = 'PREPAID' then 'prepaid'
            else 'credit'  -- a grant too, and one that no list has: nobody is known to have paid for it
        end as line_role
    from {{ ref('int_revenue_lines_unioned') }}
),

charges as {{ not_materialized() }} (
    select
        *,
        case
            when line_kind in ('usage', 'conversion') then 'on_demand'
            when line_kind in ('scheduled', 'commit_purchase') and balance_type = 'POSTPAID' then 'true_up'
            else line_kind
        end as revenue_kind
    from lines
    where line_role = 'charge'
),

-- what an applied commit pays for: the charges of its product on the same invoice
paid_for as (
    select
        snapshot_date,
        invoice_id,
        product_id,
        pricing_unit,
        max(revenue_kind) as revenue_kind
    from charges
    group by snapshot_date, invoice_id, product_id, pricing_unit
),

applications as (
    select
        lines.*,
        case
            when lines.line_role = 'credit' then 'credit_drawdown'
            else coalesce(paid_for.revenue_kind, 'on_demand')
        end as revenue_kind
    from lines
    left join paid_for
        on
            lines.snapshot_date is not distinct from paid_for.snapshot_date
            and lines.invoice_id = paid_for.invoice_id
            and lines.product_id is not distinct from paid_for.product_id
            and lines.pricing_unit = paid_for.pricing_unit
    where lines.line_role <> 'charge'
),

drawn_down as (
    select
        *,
        line_role || '_drawdown' as revenue_kind
    from lines
    where line_role in ('prepaid', 'postpaid')
),

changes as (
    -- a line in another unit than its invoice's is in the conversion line
    select
        *,
        amount as invoiced,
        amount as recognizable
    from charges
    where is_in_invoice_unit
    union all
    select
        *,
        amount as invoiced,
        amount as recognizable
    from applications
    where is_in_invoice_unit
    union all
    -- what a commit pays for is revenue all the same; a postpaid one leaves it on the invoice
    select
        *,
        case when line_role = 'postpaid' then -amount else 0 end as invoiced,
        -amount as recognizable
    from drawn_down
)

select
    snapshot_date,
    invoice_id,
    environment_type,
    customer_id,
    contract_id,
    plan_id,
    billing_month,
    product_id,
    revenue_kind,
    pricing_unit,
    invoiced as invoiced_amount,
    -- the price of a prepaid commit becomes revenue as it is drawn down; a charge of the future has not yet
    case when is_due and revenue_kind <> 'commit_purchase' then recognizable else 0 end as revenue_amount
from changes
