-- One row per environment, UTC day and value of the asked property: the events of the asked kind in the
-- asked days, both included. Values that differ by case or by look-alike characters are one value, which
-- has one spelling on all days: the most frequent one.
with

arguments as (
    select * from {{ ref('report_parameters') }}
),

events as (
    select
        events.environment_type,
        events.event_date,
        nullif(trim({{ json_text('events.properties', usage_property()) }}), '') as sent_value,
        {{ text_to_quantity(json_text('events.properties', usage_quantity())) }}
            as quantity
    from {{ ref('fct_usage_events') }} as events
    cross join arguments
    where
        events.event_type = {{ usage_event() }}
        and events.event_date between arguments.usage_from_date and arguments.usage_to_date
),

folded as (
    select
        *,
        {{ fold_lookalikes('sent_value') }} as folded_value
    from events
),

spelled as (
    select
        *,
        lower(folded_value) as value_key,
        -- real words of other alphabets keep their letters
        case when {{ is_ascii('folded_value') }} then folded_value else sent_value end as spelling
    from folded
),

counted_by_spelling as (
    select
        environment_type,
        value_key,
        spelling,
        count(*) as events
    from spelled
    group by environment_type, value_key, spelling
),

ranked as (
    select
        *,
        row_number() over (
            partition by environment_type, value_key
            order by events desc, spelling asc
        ) as choice
    from counted_by_spelling
),

counted_by_day as (
    select
        environment_type,
        event_date,
        value_key,
        count(*) as events,
        {{ sum_quantities('quantity') }} as quantity
    from spelled
    group by environment_type, event_date, value_key
)

select
    days.environment_type,
    days.event_date,
    {{ usage_event() }} as event_type,
    {{ as_sql_text(usage_property()) }} as property_name,
    ranked.spelling as property_value,
    cast(days.events as bigint) as events,
    days.quantity
from counted_by_day as days
inner join ranked
    on
        days.environment_type is not distinct from ranked.environment_type
        and days.value_key is not distinct from ranked.value_key
        and ranked.choice = 1
