{# The distinct texts of a group in order, separated by `; `; null without any. #}
{% macro joined_texts(column) -%}
    {{ return(adapter.dispatch('joined_texts')(column)) }}
{%- endmacro %}

{% macro default__joined_texts(column) -%}
    {{ dbt.listagg('distinct ' ~ column, "'; '", 'order by ' ~ column) }}
{%- endmacro %}

{# Whether a regular expression matches a part of a text. #}
{% macro matches(column, pattern) -%}
    {{ return(adapter.dispatch('matches')(column, pattern)) }}
{%- endmacro %}

{% macro duckdb__matches(column, pattern) -%}
    regexp_matches({{ column }}, {{ metronome.as_sql_text(pattern) }})
{%- endmacro %}

{#
  A text with the characters that only look like letters or digits of its rest replaced by those:
  `256×256` is `256x256`. A text without any plain letter or digit, such as a Russian word, stays.
#}
{% macro fold_lookalikes(column) -%}
    {#- multiplication signs, Cyrillic and Greek letters, full-width forms, dashes -#}
    {%- set lookalikes = '×✕✖⨯хХχΧｘаАеЕоОрРсСіІ–—−‐‑０１２３４５６７８９' -%}
    {%- set letters = 'xxxxxXxXxaAeEoOpPcCiI-----0123456789' -%}
    case
        when {{ metronome.matches(column, '[0-9A-Za-z]') }}
            then trim(translate(replace({{ column }}, chr(160), ' '), '{{ lookalikes }}', '{{ letters }}'))
        else {{ column }}
    end
{%- endmacro %}

{# Whether a text is plain ASCII. #}
{% macro is_ascii(column) -%}
    {{ return(adapter.dispatch('is_ascii')(column)) }}
{%- endmacro %}

{% macro duckdb__is_ascii(column) -%}
    regexp_full_match({{ column }}, '[ -~]*')
{%- endmacro %}
