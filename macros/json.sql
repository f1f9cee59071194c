{#
  Read JSON. Engines differ most here, so all models and tests use these macros. Columns have JSON as text or as the
  engine's JSON type. The macros return text or, where noted, JSON.

  A number in JSON keeps all of its digits. DuckDB reads a JSON number as a double, which is exact to 15 digits. If a
  document has longer numbers, these macros first put its numbers in quotes.
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

{# Return the key of a JSON object that another column names, as text. Null if the key is absent. #}
{% macro json_text_at(column, key_column) -%}
    {{ return(adapter.dispatch('json_text_at')(column, key_column)) }}
{%- endmacro %}

{% macro duckdb__json_text_at(column, key_column) -%}
    {%- set path = "'/' || replace(replace(" ~ key_column ~ ", '~', '~0'), '/', '~1')" -%}
    {{ metronome.duckdb_json_at(column, path) }}
{%- endmacro %}

{# A number that lost digits has a point. Checking for one first takes a tenth of the regular expression's time. #}
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
  Return the document with its numbers in quotes. Each match is everything before a number, with whole texts, and the
  number. The last match ends with the blank that is added to the document, and leaves `""`.
#}
{% macro duckdb_quote_numbers(column) -%}
    cast(
        regexp_replace(
            {{ column }} || ' ',
            '((?:[^"0-9-]|-[^0-9]|"(?:[^"\\]|\\.)*")*)(-?[0-9][0-9.eE+-]*|$)', '\1"\2"', 'g'
        )[:-4] as json
    )
{%- endmacro %}

{# Return JSON without loss of digits: the document, or a copy with numbers in quotes if it has long numbers. #}
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
  Return event properties as a JSON object. A Parquet export has JSON. A CSV can have a printed map,
  `{image_size=256x256, num_images=2}`, which raw keeps as a JSON string. A value of a printed map ends before the
  next `, name=`, so it can contain commas and braces. DuckDB's cast to a map parses quotes and braces in values, so it
  cannot be used.
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

{# Select the rows of a relation, once per text of a JSON list of texts, with the text as `element`. #}
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

{# Return the number of elements of a JSON list. Null for null. #}
{% macro json_length(column) -%}
    json_array_length({{ column }})
{%- endmacro %}

{#
  Select the rows of a relation, once per object of a JSON list of objects, with the object as `element` and its
  position in the list, from 1, as `element_number`.
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

{# Select the rows of a relation, once per key of a JSON object, with `entry_name` and `entry_value`. #}
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

{# Aggregate the JSON values of a group to one ordered JSON list. Null if there are none. #}
{% macro json_list(column) -%}
    {{ return(adapter.dispatch('json_list')(column)) }}
{%- endmacro %}

{% macro duckdb__json_list(column) -%}
    to_json(list({{ column }} order by cast({{ column }} as string)) filter (where {{ column }} is not null))
{%- endmacro %}

{# True if a value passes a filter. A filter is an object with optional `in_values` and `not_in_values`. #}
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
  True if an event's properties pass a JSON list of a metric's property filters. A property with `in_values` must be
  present. A property with `not_in_values` can be missing.
#}
{% macro passes_property_filters(properties, filters) -%}
    {{ return(adapter.dispatch('passes_property_filters')(properties, filters)) }}
{%- endmacro %}

{% macro duckdb__passes_property_filters(properties, filters) -%}
    {#- long numbers in the list of filters are already in quotes -#}
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
