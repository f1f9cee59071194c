-- Fails for each quantity that events of the asked kind, in the asked days, have and that is no number: they are
-- counted, and add nothing to the quantity. It warns: who sends events may send anything.
{{ config(severity='warn') }}

with

events as (
    select
        environment_type,
        {{ json_text('properties', usage_quantity()) }} as sent_quantity
    from {{ ref('stg_metronome_export__events') }}
    where
        event_type = {{ usage_event() }}
        and cast(event_at as date) between cast('{{ usage_from() }}' as date) and cast('{{ usage_to() }}' as date)
)

select
    environment_type,
    coalesce(sent_quantity, '(none)') as sent_quantity,
    count(*) as events
from events
where {{ text_to_quantity('sent_quantity') }} is null
group by environment_type, sent_quantity
