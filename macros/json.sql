{#
  JSON, where engines differ most. All models and tests take values out of JSON by these macros. Columns
  hold JSON as text or as the engine's JSON type. The macros return text or, where noted, JSON.

  A number in JSON keeps all of its digits. DuckDB reads a JSON number as a double, which holds 15
  digits for certain, so these macros first put the numbers of a document with longer ones in quotes.
#}

{# The type of a column of JSON. #}
{% macro json_column_type() -%}
    {{ return(adapter.dispatch('json_column_type')()) }}
{%- endmacro %}

{% macro duckdb__json_column_type() -%} json {%- endmacro %}

{# A top-level key of a JSON object as text; null when the key is absent or the column is null. #}
{% macro json_text(column, key) -%}
    {{ return(adapter.dispatch('json_text')(column, key)) }}
{%- endmacro %}

{% macro duckdb__json_text(column, key) -%}
    {%- set path = dbt.string_literal(dbt.escape_single_quotes('/' ~ key | replace('~', '~0') | replace('/', '~1'))) -%}
    {{ metronome.duckdb_json_at(column, path) }}
{%- endmacro %}

{# A JSON object's key as text, where another column names the key; null when the key is absent. #}
{% macro json_text_at(column, key_column) -%}
    {{ return(adapter.dispatch('json_text_at')(column, key_column)) }}
{%- endmacro %}

{% macro duckdb__json_text_at(column, key_column) -%}
    {%- set path = "'/' || replace(replace(" ~ key_column ~ ", '~', '~0'), '/', '~1')" -%}
    {{ metronome.duckdb_json_at(column, path) }}
{%- endmacro %}

{# To look for a point first costs a tenth of the regular expression; a number that lost digits has one. #}
{% macro duckdb_json_at(column, path) -%}
    {%- set value = 'json_extract_string(' ~ column ~ ', ' ~ path ~ ')' -%}
    case
        when (contains({{ column }}, '.') or contains({{ value }}, '.')) and {{ metronome.duckdb_has_long_number(column) }}
            then json_extract_string({{ metronome.duckdb_quote_numbers(column) }}, {{ path }})
        else {{ value }}
    end
{%- endmacro %}

{% macro duckdb_has_long_number(column) -%}
    regexp_matches({{ column }}, '[0-9.]{16}')
{%- endmacro %}

{#
  The document with its numbers in quotes. Each match is all that stands before a number, texts as a whole,
  and the number; the last one ends with the blank that is put behind the document, and leaves `""`.
#}
{% macro duckdb_quote_numbers(column) -%}
    cast(
        regexp_replace(
            {{ column }} || ' ',
            '((?:[^"0-9-]|-[^0-9]|"(?:[^"\\]|\\.)*")*)(-?[0-9][0-9.eE+-]*|$)', '\1"\2"', 'g'
        )[:-4] as json
    )
{%- endmacro %}

{# JSON without loss: the document itself unless it has a number with more digits than a double holds. #}
{% macro json_numbers_as_texts(column) -%}
    {{ return(adapter.dispatch('json_numbers_as_texts')(column)) }}
{%- endmacro %}

{% macro duckdb__json_numbers_as_texts(column) -%}
    case
        when {{ metronome.duckdb_has_long_number(column) }} then {{ metronome.duckdb_quote_numbers(column) }}
        else {{ column }}
    end
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
    select *, unnest({{ metronome.duckdb_json_texts(column) }}) as element from {{ relation }}
{%- endmacro %}

{% macro duckdb_json_texts(column) -%}
    from_json({{ metronome.duckdb__json_numbers_as_texts(column) }}, '["VARCHAR"]')
{%- endmacro %}

{% macro duckdb_json_list(column) -%}
    from_json({{ metronome.duckdb__json_numbers_as_texts(column) }}, '["JSON"]')
{%- endmacro %}

{# How many elements a JSON list has; null for null. #}
{% macro json_length(column) -%}
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
        unnest({{ metronome.duckdb_json_list(column) }}) as element,
        generate_subscripts({{ metronome.duckdb_json_list(column) }}, 1) as element_number
    from {{ relation }}
{%- endmacro %}

{# A relation's rows, once per key of a JSON object, which comes as `entry_name` and `entry_value`. #}
{% macro unnest_json_entries(relation, column) -%}
    {{ return(adapter.dispatch('unnest_json_entries')(relation, column)) }}
{%- endmacro %}

{% macro duckdb__unnest_json_entries(relation, column) -%}
    select
        * exclude (entry),
        entry.key as entry_name,
        entry.value as entry_value
    from (
        select *, unnest(map_entries(cast({{ metronome.duckdb__json_numbers_as_texts(column) }} as map(varchar, varchar)))) as entry from {{ relation }}
    )
{%- endmacro %}

{# The JSON values of a group as one JSON list, in order; null when there are none. #}
{% macro json_list(column) -%}
    {{ return(adapter.dispatch('json_list')(column)) }}
{%- endmacro %}

{% macro duckdb__json_list(column) -%}
    to_json(list({{ column }} order by cast({{ column }} as string)) filter (where {{ column }} is not null))
{%- endmacro %}

{# Whether a value passes a filter, an object with `in_values` and `not_in_values`, both optional. #}
{% macro passes_filter(value, filter) -%}
    {{ return(adapter.dispatch('passes_filter')(value, filter)) }}
{%- endmacro %}

{% macro duckdb__passes_filter(value, filter) -%}
    {%- set exact = metronome.duckdb__json_numbers_as_texts(filter) -%}
    {%- set in_values = "from_json(json_extract(" ~ exact ~ ", '$.in_values'), '[\"VARCHAR\"]')" -%}
    {%- set not_in_values = "from_json(json_extract(" ~ exact ~ ", '$.not_in_values'), '[\"VARCHAR\"]')" -%}
    coalesce(list_contains({{ in_values }}, {{ value }}), true)
    and not coalesce(list_contains({{ not_in_values }}, {{ value }}), false)
{%- endmacro %}

{#
  Whether an event's properties pass a JSON list of a metric's property filters. A property that must
  be one of some values must be there; one that must not be any of some values may be missing.
#}
{% macro passes_property_filters(properties, filters) -%}
    {{ return(adapter.dispatch('passes_property_filters')(properties, filters)) }}
{%- endmacro %}

{% macro duckdb__passes_property_filters(properties, filters) -%}
    {#- the list of filters has its long numbers in quotes already -#}
    {%- set value = metronome.duckdb__json_text_at(properties, "(f ->> 'name')") -%}
    {%- set in_values = "from_json(f -> 'in_values', '[\"VARCHAR\"]')" -%}
    {%- set not_in_values = "from_json(f -> 'not_in_values', '[\"VARCHAR\"]')" -%}
    coalesce(list_bool_and(list_transform(
        {{ metronome.duckdb_json_list(filters) }},
        lambda f: coalesce(({{ value }} is not null) = cast(f ->> 'exists' as boolean), true)
        and ({{ in_values }} is null or coalesce(list_contains({{ in_values }}, {{ value }}), false))
        and not coalesce(list_contains({{ not_in_values }}, {{ value }}), false)
    )), true)
{%- endmacro %}
