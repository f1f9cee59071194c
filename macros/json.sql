{#
  JSON, where engines differ most. Columns hold JSON as text or as the engine's JSON type; what these
  macros return is text or, for `json_object`, JSON.
#}

{# The text of a top-level key of a JSON object; null when the key is absent or the column is null. #}
{% macro json_text(column, key) -%}
    {{ return(adapter.dispatch('json_text')(column, key)) }}
{%- endmacro %}

{% macro duckdb__json_text(column, key) -%}
    json_extract_string({{ column }}, {{ dbt.string_literal(dbt.escape_single_quotes('/' ~ key | replace('~', '~0') | replace('/', '~1'))) }})
{%- endmacro %}

{#
  Event properties as a JSON object. A Parquet export has JSON; a CSV may have a printed map,
  `{image_size=256x256, num_images=2}`, which raw keeps as a JSON string. A value of a printed map ends
  where `, name=` follows, so it may hold commas and braces. DuckDB's own cast to a map does not do:
  it takes quotes and braces in values for its own.
#}
{% macro json_object(column) -%}
    {{ return(adapter.dispatch('json_object')(column)) }}
{%- endmacro %}

{% macro duckdb__json_object(column) -%}
    {%- set text = "json_extract_string(" ~ column ~ ", '$')" -%}
    {%- set entries = "regexp_replace(" ~ text ~ "[2:-2], ', ([A-Za-z0-9_.-]+)=', chr(31) || '\\1=', 'g')" -%}
    case
        when json_type({{ column }}) <> 'VARCHAR' then {{ column }}
        when try(json_type({{ text }})) = 'OBJECT' then cast({{ text }} as json)
        when {{ text }} = '{}' then json_object()
        when regexp_full_match({{ text }}, '(?s)[{][A-Za-z0-9_.-]+=.*[}]')
            then cast(
                '{' || array_to_string(
                    list_transform(
                        string_split({{ entries }}, chr(31)),
                        lambda entry: to_json(split_part(entry, '=', 1))
                        || ':' || to_json(substr(entry, instr(entry, '=') + 1))
                    ), ','
                ) || '}' as json
            )
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

{#
  A relation's rows, once per object of a JSON list of objects, which comes as the column `element`, its
  place in the list, from 1, as `element_number`.
#}
{% macro unnest_json_objects(relation, column) -%}
    {{ return(adapter.dispatch('unnest_json_objects')(relation, column)) }}
{%- endmacro %}

{% macro duckdb__unnest_json_objects(relation, column) -%}
    select
        *,
        unnest(from_json({{ column }}, '["JSON"]')) as element,
        generate_subscripts(from_json({{ column }}, '["JSON"]'), 1) as element_number
    from {{ relation }}
{%- endmacro %}

{#
  JSON with the numbers under a key as texts, wherever the key stands. A JSON number is read as a double,
  which has 15 digits; a text keeps them all.
#}
{% macro json_numbers_as_texts(column, key) -%}
    {{ return(adapter.dispatch('json_numbers_as_texts')(column, key)) }}
{%- endmacro %}

{% macro duckdb__json_numbers_as_texts(column, key) -%}
    cast(
        regexp_replace(
            cast({{ column }} as string), '("{{ key }}"\s*:\s*)(-?[0-9][0-9.eE+-]*)', '\1"\2"', 'g'
        ) as json
    )
{%- endmacro %}
