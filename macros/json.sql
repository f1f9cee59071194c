{#
  JSON, where engines differ most. Columns hold JSON as text or as the engine's JSON type; what these
  macros return is text or, for `json_object`, JSON.
#}

{# The text of a top-level key of a JSON object; null when the key is absent or the column is null. #}
{% macro json_text(column, key) -%}
    {{ return(adapter.dispatch('json_text')(column, key)) }}
{%- endmacro %}

{% macro duckdb__json_text(column, key) -%}
    json_extract_string({{ column }}, {{ dbt.string_literal(dbt.escape_single_quotes('$."' ~ key ~ '"')) }})
{%- endmacro %}

{#
  Event properties as a JSON object. A Parquet export has JSON; a CSV has a printed map,
  `{image_size=256x256, num_images=2}`, which raw keeps as a JSON string.
#}
{% macro json_object(column) -%}
    {{ return(adapter.dispatch('json_object')(column)) }}
{%- endmacro %}

{% macro duckdb__json_object(column) -%}
    case
        when json_type({{ column }}) = 'VARCHAR'
            then to_json(try_cast({{ column }} ->> '$' as map(varchar, varchar)))
        else {{ column }}
    end
{%- endmacro %}

{# A relation's rows, once per text of a JSON list of texts, which comes as the column `element`. #}
{% macro unnest_json_texts(relation, column) -%}
    {{ return(adapter.dispatch('unnest_json_texts')(relation, column)) }}
{%- endmacro %}

{% macro duckdb__unnest_json_texts(relation, column) -%}
    select *, unnest(from_json({{ column }}, '["VARCHAR"]')) as element from {{ relation }}
{%- endmacro %}

{# How many elements a JSON list has; null for null. #}
{% macro json_length(column) -%}
    {{ return(adapter.dispatch('json_length')(column)) }}
{%- endmacro %}

{% macro duckdb__json_length(column) -%}
    json_array_length({{ column }})
{%- endmacro %}
