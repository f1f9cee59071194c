-- One row per invoice line and revenue kind that it changes, with the change of the invoice's total and of revenue. A
-- line that applies a commit changes two kinds: it takes usage off one kind and adds it to draw-down.
with

lines as (
    select
        *,
        case
            when line_kind <> 'applied_commit_or_credit' then 'charge'
            when is_in_invoice_unit and not is_in_invoice_total then 'postpaid'
            when balance_type = 'PREPAID' then 'prepaid'
            else 'credit'  -- also a credit grant, and a balance that no list has: no purchase is known
        end as line_role
    from {{ ref('int_revenue_lines_unioned') }}
),

charges as (
    select
        *,
        case
            when line_role <> 'charge' then null
            when line_kind in ('usage', 'conversion') then 'on_demand'
            when line_kind in ('scheduled', 'commit_purchase') and balance_type = 'POSTPAID' then 'true_up'
            else line_kind
        end as charge_kind
    from lines
),

lines_and_charges as (
    select
        *,
        {{ paid_for_kind('charge_kind', usage_kind='on_demand', invoice=['snapshot_date', 'invoice_id']) }}
            as paid_for_kind
    from charges
),

changes as (
    -- a charge, or the application of a commit or credit; a line in another unit is in the conversion line
    select
        *,
        case
            when line_role = 'charge' then charge_kind
            when line_role = 'credit' then 'credit_drawdown'
            else coalesce(paid_for_kind, 'on_demand')
        end as revenue_kind,
        amount as invoiced,
        amount as recognizable
    from lines_and_charges
    where is_in_invoice_unit
    union all
    -- usage that a commit pays for is revenue; the application of a postpaid commit does not change the total
    select
        *,
        line_role || '_drawdown' as revenue_kind,
        case when line_role = 'postpaid' then -amount else 0 end as invoiced,
        -amount as recognizable
    from lines_and_charges
    where line_role in ('prepaid', 'postpaid')
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
    -- the price of a prepaid commit becomes revenue as it is drawn down; a future charge is not revenue yet
    case when is_due and revenue_kind <> 'commit_purchase' then recognizable else 0 end as revenue_amount
from changes
