-- One row per line of a daily breakdown of an invoice, adjustments of a plan included, from the source of the
-- breakdown.
with

days as (
    select * from {{ ref('int_invoice_breakdowns_combined') }}
),

api_days as (
    select * from {{ ref('stg_metronome_api__invoice_breakdowns_daily') }}
),

adjustments as (
    {{ unnest_json_objects('api_days', 'invoice_adjustments') }}
),

export_days as (
    select * from {{ ref('int_export_invoice_breakdowns') }}
),

export_day_lines as (
    select
        invoice_breakdown_id,
        cast(null as {{ instant_type() }}) as snapshot_at,
        line_item_id,
        product_id,
        commit_id,
        line_name,
        source_pricing_unit,
        quantity,
        total
    from {{ ref('stg_metronome_export__invoice_breakdown_lines') }}
    union all
    select
        invoice_breakdown_id,
        snapshot_at,
        line_item_id,
        product_id,
        commit_id,
        line_name,
        source_pricing_unit,
        quantity,
        total
    from {{ ref('stg_metronome_export__draft_invoice_breakdown_lines') }}
),

-- the invoice line of a day line has its kind, and the credit grant that it draws down
export_lines as (
    select * from {{ ref('int_export_invoice_lines') }}
),

balances as (
    select * from {{ ref('int_balances_combined') }}
),

lines as (
    select
        'api' as source,
        invoice_id,
        breakdown_start_at,
        product_id,
        {{ line_kind('line_type') }} as line_kind,
        line_name,
        applied_balance_id as balance_id,
        applied_balance_type,
        source_pricing_unit,
        quantity,
        total
    from {{ ref('stg_metronome_api__invoice_breakdown_daily_lines') }}
    union all
    select
        'api' as source,
        invoice_id,
        breakdown_start_at,
        cast(null as string) as product_id,
        case
            when {{ json_text('element', 'credit_grant_id') }} is null then 'adjustment'
            else 'applied_commit_or_credit'
        end as line_kind,
        {{ json_text('element', 'name') }} as line_name,
        {{ json_text('element', 'credit_grant_id') }} as balance_id,
        case when {{ json_text('element', 'credit_grant_id') }} is not null then 'CREDIT_GRANT' end
            as applied_balance_type,
        {{ json_text(json_text('element', 'credit_type'), 'name') }} as source_pricing_unit,
        1 as quantity,
        {{ text_to_quantity(json_text('element', 'total')) }} as total
    from adjustments
    union all
    select
        'export' as source,
        export_days.invoice_id,
        export_days.breakdown_start_at,
        export_day_lines.product_id,
        coalesce(export_lines.line_kind, 'usage') as line_kind,
        export_day_lines.line_name,
        coalesce(export_lines.credit_grant_id, export_day_lines.commit_id) as balance_id,
        case
            when export_lines.credit_grant_id is not null then 'CREDIT_GRANT'
            when export_lines.is_postpaid_application then 'POSTPAID'
            when export_lines.line_kind = 'applied_commit_or_credit' then balances.balance_type
        end as applied_balance_type,
        export_day_lines.source_pricing_unit,
        export_day_lines.quantity,
        export_day_lines.total
    from export_day_lines
    inner join export_days
        on
            export_day_lines.invoice_breakdown_id = export_days.invoice_breakdown_id
            and export_day_lines.snapshot_at is not distinct from export_days.snapshot_at
    left join export_lines on export_day_lines.line_item_id = export_lines.line_item_id
    left join balances on export_day_lines.commit_id = balances.balance_id
)

select
    lines.invoice_id,
    lines.breakdown_start_at,
    lines.product_id,
    lines.line_kind,
    lines.line_name,
    lines.balance_id,
    lines.applied_balance_type,
    lines.source_pricing_unit,
    lines.quantity,
    lines.total
from lines
inner join days
    on
        lines.invoice_id = days.invoice_id
        and lines.breakdown_start_at = days.breakdown_start_at
        and lines.source = days.source
