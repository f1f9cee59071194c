{# The distinct texts of a group, in order, with `; ` between them; null when there are none. #}
{% macro joined_texts(column) -%}
    {{ return(adapter.dispatch('joined_texts')(column)) }}
{%- endmacro %}

{% macro duckdb__joined_texts(column) -%}
    string_agg(distinct {{ column }}, '; ' order by {{ column }})
{%- endmacro %}
