-- One row per line, or adjustment of a plan, of a day of a counted invoice.
with

breakdowns as (
    select * from {{ ref('stg_metronome_api__invoice_breakdowns_daily') }}
),

adjustments as (
    {{ unnest_json_objects('breakdowns', 'invoice_adjustments') }}
),

invoices as (
    select * from {{ ref('int_invoices_classified') }}
    where is_counted
),

lines as (
    select
        invoice_id,
        breakdown_start_at,
        line_type,
        applied_balance_id as credit_id,
        applied_balance_type,
        stated_unit,
        total
    from {{ ref('stg_metronome_api__invoice_breakdown_daily_lines') }}
    union all
    select
        invoice_id,
        breakdown_start_at,
        'adjustment' as line_type,
        {{ json_text('element', 'credit_grant_id') }} as credit_id,
        case when {{ json_text('element', 'credit_grant_id') }} is not null then 'CREDIT_GRANT' end
            as applied_balance_type,
        {{ json_text(json_text('element', 'credit_type'), 'name') }} as stated_unit,
        {{ text_to_quantity(json_text('element', 'total')) }} as total
    from adjustments
),

valued as (
    select
        *,
        {{ pricing_unit('stated_unit') }} as pricing_unit,
        {{ major_amount('total', 'stated_unit') }} as amount
    from lines
)

select
    valued.invoice_id,
    valued.breakdown_start_at,
    cast(valued.breakdown_start_at as date) as breakdown_date,
    invoices.customer_id,
    valued.credit_id,
    valued.pricing_unit,
    valued.amount,
    -- as for the lines of the invoice itself
    valued.pricing_unit = invoices.pricing_unit
    and coalesce(valued.applied_balance_type, '') <> 'POSTPAID' as is_in_invoice_total,
    coalesce(
        valued.line_type in ('applied_commit_or_credit', 'adjustment')
        and valued.applied_balance_type in ('PREPAID', 'CREDIT', 'CREDIT_GRANT'),
        false
    ) as is_applied_credit
from valued
inner join invoices on valued.invoice_id = invoices.invoice_id
