-- One row per environment and value of the asked property: the events of the asked kind in the asked
-- days, both included. Values that differ by case or by look-alike characters are one value.
with

arguments as (
    select * from {{ ref('dim_report_arguments') }}
),

events as (
    select
        events.environment_type,
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
        count(*) as events,
        sum(quantity) as quantity
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
)

select
    environment_type,
    {{ usage_event() }} as event_type,
    {{ as_sql_text(usage_property()) }} as property_name,
    max(case when choice = 1 then spelling end) as property_value,
    cast(sum(events) as bigint) as events,
    cast(sum(quantity) as decimal(38, 18)) as quantity
from ranked
group by environment_type, value_key
