-- Fails for each kind of quantity that the asked usage events have, and that is no number: they are counted,
-- and add nothing to the quantity. It warns: who sends events may send anything.
{{ config(severity='warn') }}

with

events as (
    select
        environment_type,
        {{ json_text('properties', argument('usage_quantity')) }} as sent_quantity
    from {{ ref('fct_usage_events') }}
    where event_type = {{ text_argument('usage_event') }}
)

select
    environment_type,
    coalesce(sent_quantity, '(none)') as sent_quantity,
    count(*) as events
from events
where {{ text_to_quantity('sent_quantity') }} is null
group by environment_type, sent_quantity
