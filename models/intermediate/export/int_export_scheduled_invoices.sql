-- One row per invoice that a schedule of the export names, with its issue date. The schedule is that of a charge or of
-- the purchase of a commit.
with

schedules as (
    select {{ json_text('schedule', 'schedule_items') }} as items
    from {{ ref('stg_metronome_export__scheduled_charges') }}
    union all
    select {{ json_text('invoice_schedule', 'schedule_items') }} as items
    from {{ ref('stg_metronome_export__balances') }}
),

schedule_items as (
    {{ unnest_json_objects('schedules', 'items') }}
),

dates as (
    select
        {{ json_text('element', 'invoice_id') }} as invoice_id,
        {{ text_to_instant(json_text('element', 'date')) }} as issued_at
    from schedule_items
)

select
    invoice_id,
    max(issued_at) as issued_at
from dates
where invoice_id is not null
group by invoice_id
