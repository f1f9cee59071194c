-- One row per line of a final export invoice, and one per line and snapshot of a draft, with the kind of the line.
-- The table of lines does not state the kind, but the breakdowns of the line do. Without breakdowns, the kind follows
-- from the ids of the line. Snapshots after the as-of instant are excluded.
with

invoices as (
    select
        invoice_id,
        cast(null as {{ instant_type() }}) as snapshot_at,
        source_pricing_unit,
        period_start_at
    from {{ ref('stg_metronome_export__invoices') }}
    union all
    select
        invoice_id,
        snapshot_at,
        source_pricing_unit,
        period_start_at
    from {{ ref('stg_metronome_export__draft_invoices') }}
),

lines as {{ not_materialized() }} (
    select
        line_item_id,
        invoice_id,
        product_id,
        credit_grant_id,
        commit_id,
        subscription_id,
        line_name,
        source_pricing_unit,
        quantity,
        unit_price,
        total,
        metadata,
        starting_at,
        ending_before,
        cast(null as {{ instant_type() }}) as snapshot_at
    from {{ ref('stg_metronome_export__line_items') }}
    union all
    select
        line_item_id,
        invoice_id,
        product_id,
        credit_grant_id,
        commit_id,
        subscription_id,
        line_name,
        source_pricing_unit,
        quantity,
        unit_price,
        total,
        metadata,
        starting_at,
        ending_before,
        snapshot_at
    from {{ ref('stg_metronome_export__draft_line_items') }}
    where snapshot_at <= {{ as_of() }}
),

-- a line has one breakdown per day; some days do not state the type
stated_types as (
    select
        line_item_id,
        line_type
    from {{ ref('stg_metronome_export__invoice_breakdown_lines') }}
    union
    select
        line_item_id,
        line_type
    from {{ ref('stg_metronome_export__draft_invoice_breakdown_lines') }}
),

line_types as (
    select
        line_item_id,
        max(line_type) as line_type
    from stated_types
    group by line_item_id
),

balances as (
    select * from {{ ref('stg_metronome_export__balances') }}
),

fixed_products as (
    select distinct product_id
    from {{ ref('stg_metronome_export__product_versions') }}
    where upper(product_type) = 'FIXED'
),

-- invoices with lines in another unit: a conversion line adds their value to the total
mixed_invoices as (
    select distinct
        lines.invoice_id,
        lines.snapshot_at
    from lines
    inner join invoices
        on
            lines.invoice_id = invoices.invoice_id
            and lines.snapshot_at is not distinct from invoices.snapshot_at
    where lines.source_pricing_unit <> invoices.source_pricing_unit
),

joined as (
    select
        lines.*,
        line_types.line_type,
        coalesce(
            balances.balance_type,
            case {{ json_text('lines.metadata', 'commit_type') }} when 'PostpaidCommit' then 'POSTPAID' end,
            ''
        ) = 'POSTPAID' as is_of_postpaid_commit,
        mixed_invoices.invoice_id is not null as is_of_mixed_invoice,
        fixed_products.product_id is not null or invoices.period_start_at is null as is_scheduled
    from lines
    left join invoices
        on
            lines.invoice_id = invoices.invoice_id
            and lines.snapshot_at is not distinct from invoices.snapshot_at
    left join line_types on lines.line_item_id = line_types.line_item_id
    left join balances on lines.commit_id = balances.balance_id
    left join mixed_invoices
        on
            lines.invoice_id = mixed_invoices.invoice_id
            and lines.snapshot_at is not distinct from mixed_invoices.snapshot_at
    left join fixed_products on lines.product_id = fixed_products.product_id
),

classified as (
    select
        *,
        case
            when credit_grant_id is not null then 'applied_commit_or_credit'
            when line_type is not null then {{ line_kind('line_type') }}
            when commit_id is not null and total < 0 then 'applied_commit_or_credit'
            when subscription_id is not null then 'subscription'
            when product_id is null and is_of_mixed_invoice then 'conversion'
            when product_id is null then 'adjustment'
            when not is_scheduled then 'usage'
            -- an invoice for a postpaid commit is its true-up, which is a scheduled charge
            when commit_id is not null and not is_of_postpaid_commit then 'commit_purchase'
            else 'scheduled'
        end as line_kind
    from joined
)

select
    line_item_id,
    snapshot_at,
    invoice_id,
    product_id,
    credit_grant_id,
    commit_id,
    line_name,
    source_pricing_unit,
    quantity,
    unit_price,
    total,
    starting_at,
    ending_before,
    line_kind,
    line_kind = 'applied_commit_or_credit' and is_of_postpaid_commit as is_postpaid_application
from classified
