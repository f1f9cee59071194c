-- One row per line, or adjustment of a plan, of a day of a counted invoice. The days are the API's where it
-- has the invoice's, else the export's; those of an open invoice, as the newest snapshot by the as-of instant
-- has them.
with

api_days as (
    select * from {{ ref('stg_metronome_api__invoice_breakdowns_daily') }}
),

api_adjustments as (
    {{ unnest_json_objects('api_days', 'invoice_adjustments') }}
),

final_days as (
    select * from {{ ref('stg_metronome_export__invoice_breakdowns') }}
),

draft_days as (
    select * from {{ ref('stg_metronome_export__draft_invoice_breakdowns') }}
    where snapshot_at <= {{ as_of() }}
),

newest_snapshots as (
    select
        environment_type,
        max(snapshot_at) as snapshot_at
    from draft_days
    group by environment_type
),

days as (
    select
        'api' as source,
        invoice_id
    from api_days
    union
    select
        'export' as source,
        invoice_id
    from final_days
    union
    select
        'export draft' as source,
        draft_days.invoice_id
    from draft_days
    inner join newest_snapshots
        on
            draft_days.environment_type = newest_snapshots.environment_type
            and draft_days.snapshot_at = newest_snapshots.snapshot_at
),

-- in the order of their names; what was finalized since its snapshot has days of its own
chosen as (
    select
        invoice_id,
        min(source) as source
    from days
    group by invoice_id
),

lines as (
    select
        'api' as source,
        invoice_id,
        breakdown_start_at,
        line_type,
        product_id,
        stated_unit,
        total,
        applied_balance_type as balance_type
    from {{ ref('stg_metronome_api__invoice_breakdown_daily_lines') }}
    union all
    select
        'api' as source,
        invoice_id,
        breakdown_start_at,
        'adjustment' as line_type,
        cast(null as string) as product_id,
        {{ json_text(json_text('element', 'credit_type'), 'name') }} as stated_unit,
        {{ text_to_quantity(json_text('element', 'total')) }} as total,
        cast(null as string) as balance_type
    from api_adjustments
    union all
    select
        'export' as source,
        final_days.invoice_id,
        final_days.breakdown_start_at,
        final_lines.line_type,
        final_lines.product_id,
        final_lines.stated_unit,
        final_lines.total,
        final_lines.balance_type
    from {{ ref('stg_metronome_export__invoice_breakdown_lines') }} as final_lines
    inner join final_days on final_lines.invoice_breakdown_id = final_days.invoice_breakdown_id
    union all
    select
        'export draft' as source,
        draft_days.invoice_id,
        draft_days.breakdown_start_at,
        draft_lines.line_type,
        draft_lines.product_id,
        draft_lines.stated_unit,
        draft_lines.total,
        draft_lines.balance_type
    from {{ ref('stg_metronome_export__draft_invoice_breakdown_lines') }} as draft_lines
    inner join draft_days
        on
            draft_lines.invoice_breakdown_id = draft_days.invoice_breakdown_id
            and draft_lines.snapshot_at = draft_days.snapshot_at
    inner join newest_snapshots
        on
            draft_days.environment_type = newest_snapshots.environment_type
            and draft_days.snapshot_at = newest_snapshots.snapshot_at
)

select lines.*
from lines
inner join chosen
    on
        lines.invoice_id = chosen.invoice_id
        and lines.source = chosen.source
