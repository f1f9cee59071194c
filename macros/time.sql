{# A number of whole days after an instant; null when either is null. #}
{% macro add_days(instant, days) -%}
    {{ return(adapter.dispatch('add_days')(instant, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(instant, days) -%}
    {{ instant }} + to_days(cast({{ days }} as integer))
{%- endmacro %}

{# The first day of the month of an instant, or of the month `months` later. #}
{% macro first_of_month(instant, months=0) -%}
    {{ return(adapter.dispatch('first_of_month')(instant, months)) }}
{%- endmacro %}

{% macro duckdb__first_of_month(instant, months) -%}
    cast(date_trunc('month', {{ instant }}) + to_months({{ months }}) as date)
{%- endmacro %}

{# Whole days from one date to another. #}
{% macro days_between(first_date, last_date) -%}
    {{ return(adapter.dispatch('days_between')(first_date, last_date)) }}
{%- endmacro %}

{% macro duckdb__days_between(first_date, last_date) -%}
    date_diff('day', {{ first_date }}, {{ last_date }})
{%- endmacro %}

{# A day's month as text, `2024-03`. #}
{% macro month_text(day) -%}
    {{ return(adapter.dispatch('month_text')(day)) }}
{%- endmacro %}

{% macro duckdb__month_text(day) -%}
    strftime({{ day }}, '%Y-%m')
{%- endmacro %}

{# An ISO 8601 text as an instant; null when it is none. #}
{% macro text_to_instant(column) -%}
    {{ return(adapter.dispatch('text_to_instant')(column)) }}
{%- endmacro %}

{% macro duckdb__text_to_instant(column) -%}
    try_cast({{ column }} as timestamp with time zone)
{%- endmacro %}

{# Whether an instant may be one of somebody's billing: between the years 2000 and 2100. #}
{% macro is_possible_time(instant) -%}
    {{ instant }} between cast('2000-01-01' as date) and cast('2100-01-01' as date)
{%- endmacro %}
