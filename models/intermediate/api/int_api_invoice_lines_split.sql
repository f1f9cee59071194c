-- One row per line of an API invoice, at the finest level: a sub line, a line without sub lines, or an adjustment.
with

lines as (
    select * from {{ ref('stg_metronome_api__invoice_line_items') }}
),

sub_lines as (
    select * from {{ ref('stg_metronome_api__invoice_sub_line_items') }}
),

adjustments as (
    select * from {{ ref('stg_metronome_api__invoice_adjustments') }}
),

split_lines as (
    select
        lines.invoice_id
        || ':' || cast(lines.line_number as string)
        || coalesce('.' || cast(sub_lines.sub_line_number as string), '') as invoice_line_id,
        lines.invoice_id,
        -- a sub line with a grant applies the grant, or buys it if it is above zero, and is then a charge
        case
            when sub_lines.credit_grant_id is not null and sub_lines.subtotal < 0 then 'applied_commit_or_credit'
            else {{ line_kind('lines.line_type') }}
        end as line_kind,
        lines.product_id,
        lines.line_name,
        coalesce(sub_lines.sub_line_name, lines.line_name) as description,
        sub_lines.charge_id,
        coalesce(lines.applied_balance_id, lines.commit_id) as balance_id,
        sub_lines.credit_grant_id,
        lines.source_pricing_unit,
        coalesce(sub_lines.quantity, lines.quantity) as quantity,
        case when sub_lines.invoice_id is null then lines.unit_price else sub_lines.unit_price end as unit_price,
        coalesce(sub_lines.subtotal, lines.total) as total,
        sub_lines.tiers,
        coalesce(lines.applied_balance_type = 'POSTPAID', false) as is_postpaid_application,
        coalesce(sub_lines.starting_at, lines.starting_at) as starting_at,
        coalesce(sub_lines.ending_before, lines.ending_before) as ending_before
    from lines
    left join sub_lines
        on
            lines.invoice_id = sub_lines.invoice_id
            and lines.line_number = sub_lines.line_number
)

select * from split_lines
union all
select
    invoice_id || ':adjustment ' || cast(adjustment_number as string) as invoice_line_id,
    invoice_id,
    case when credit_grant_id is null then 'adjustment' else 'applied_commit_or_credit' end as line_kind,
    cast(null as string) as product_id,
    adjustment_name as line_name,
    adjustment_name as description,
    cast(null as string) as charge_id,
    cast(null as string) as balance_id,
    credit_grant_id,
    source_pricing_unit,
    1 as quantity,  -- as in the export
    total as unit_price,
    total,
    null as tiers,
    false as is_postpaid_application,
    cast(null as {{ instant_type() }}) as starting_at,
    cast(null as {{ instant_type() }}) as ending_before
from adjustments
