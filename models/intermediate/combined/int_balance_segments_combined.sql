-- One row per segment of the access schedule of a commit or credit, from the source of the balance.
with

balances as (
    select * from {{ ref('int_balances_combined') }}
),

schedules as (
    select
        balance_id,
        {{ json_text('access_schedule', 'schedule_items') }} as items
    from {{ ref('stg_metronome_export__balances') }}
),

items as (
    {{ unnest_json_objects('schedules', 'items') }}
),

segments as (
    select
        'api' as source,
        balance_id,
        segment_id,
        amount,
        starting_at,
        ending_before
    from {{ ref('stg_metronome_api__balance_segments') }}
    union all
    select
        'export' as source,
        balance_id,
        {{ json_text('element', 'id') }} as segment_id,
        {{ text_to_quantity(json_text('element', 'amount')) }} as amount,
        {{ text_to_instant(json_text('element', 'date')) }} as starting_at,
        {{ text_to_instant(json_text('element', 'end_date')) }} as ending_before
    from items
)

select
    segments.balance_id,
    segments.segment_id,
    segments.amount,
    segments.starting_at,
    segments.ending_before
from segments
inner join balances
    on
        segments.balance_id = balances.balance_id
        and segments.source = balances.source
