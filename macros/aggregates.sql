{# The distinct texts of a group, in order, with `; ` between them; null when there are none. #}
{% macro joined_texts(column) -%}
    {{ return(adapter.dispatch('joined_texts')(column)) }}
{%- endmacro %}

{% macro duckdb__joined_texts(column) -%}
    string_agg(distinct {{ column }}, '; ' order by {{ column }})
{%- endmacro %}

{# How many distinct values the rows of a group have that meet a condition. #}
{% macro distinct_values_where(value, condition) -%}
    {{ return(adapter.dispatch('distinct_values_where')(value, condition)) }}
{%- endmacro %}

{% macro default__distinct_values_where(value, condition) -%}
    count(distinct case when {{ condition }} then {{ value }} end)
{%- endmacro %}

{# With a filter, DuckDB remembers nothing of the other rows. #}
{% macro duckdb__distinct_values_where(value, condition) -%}
    count(distinct {{ value }}) filter (where {{ condition }})
{%- endmacro %}

{# Whether a condition holds in any row of a group; null when it is null in all of them. #}
{% macro any_true(condition) -%}
    {{ return(adapter.dispatch('any_true')(condition)) }}
{%- endmacro %}

{% macro duckdb__any_true(condition) -%}
    bool_or({{ condition }})
{%- endmacro %}
