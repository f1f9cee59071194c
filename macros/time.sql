{# Return the first day of an instant's month, or of the month `months` later, as a date. #}
{% macro first_of_month(instant, months=0) -%}
    {%- set month = dbt.date_trunc('month', instant) -%}
    cast({{ dbt.dateadd('month', months, month) if months else month }} as date)
{%- endmacro %}

{# Return a day's month as text, `2024-03`. #}
{% macro month_text(day) -%}
    {{ return(adapter.dispatch('month_text')(day)) }}
{%- endmacro %}

{% macro duckdb__month_text(day) -%}
    strftime({{ day }}, '%Y-%m')
{%- endmacro %}

{# Return an ISO 8601 text as an instant. Null for any other text. #}
{% macro text_to_instant(column) -%}
    {{ return(adapter.dispatch('text_to_instant')(column)) }}
{%- endmacro %}

{% macro duckdb__text_to_instant(column) -%}
    try_cast({{ column }} as {{ metronome.instant_type() }})
{%- endmacro %}

{# The type of an instant. Both engines run in UTC. #}
{% macro instant_type() -%}
    {{ return(adapter.dispatch('instant_type')()) }}
{%- endmacro %}

{% macro duckdb__instant_type() -%} timestamp with time zone {%- endmacro %}

{# True if an instant is between the years 2000 and 2100. #}
{% macro is_possible_time(instant) -%}
    {{ instant }} between cast('2000-01-01' as date) and cast('2100-01-01' as date)
{%- endmacro %}
