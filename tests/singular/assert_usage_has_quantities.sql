-- Fails for each value of the requested quantity that is missing or not a number, on events of the requested type in
-- the requested days. Such events are counted and add nothing to the quantity. Severity is warn because clients can
-- send any value.
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
