{# The distinct texts of a group, in order, with `; ` between them; null when there are none. #}
{% macro joined_texts(column) -%}
    {{ return(adapter.dispatch('joined_texts')(column)) }}
{%- endmacro %}

{% macro duckdb__joined_texts(column) -%}
    string_agg(distinct {{ column }}, '; ' order by {{ column }})
{%- endmacro %}

{# Whether a condition holds in any row of a group; null when it is null in all of them. #}
{% macro any_true(condition) -%}
    {{ return(adapter.dispatch('any_true')(condition)) }}
{%- endmacro %}

{% macro duckdb__any_true(condition) -%}
    bool_or({{ condition }})
{%- endmacro %}
