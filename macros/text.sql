{# Aggregate the distinct texts of a group in order, separated by `; `. Null if there are none. #}
{% macro joined_texts(column) -%}
    {{ dbt.listagg('distinct ' ~ column, "'; '", 'order by ' ~ column) }}
{%- endmacro %}

{#
  Return a text with look-alike characters replaced by ASCII: `256×256` becomes `256x256`. A text without an ASCII
  letter or digit, such as a Russian word, does not change.
#}
{% macro fold_lookalikes(column) -%}
    {{ return(adapter.dispatch('fold_lookalikes')(column)) }}
{%- endmacro %}

{% macro duckdb__fold_lookalikes(column) -%}
    {#- multiplication signs, Cyrillic and Greek letters, full-width forms, dashes -#}
    {%- set lookalikes = '×✕✖⨯хХχΧｘаАеЕоОрРсСіІ–—−‐‑０１２３４５６７８９' -%}
    {%- set letters = 'xxxxxXxXxaAeEoOpPcCiI-----0123456789' -%}
    case
        when regexp_matches({{ column }}, '[0-9A-Za-z]')
            then trim(translate(replace({{ column }}, chr(160), ' '), '{{ lookalikes }}', '{{ letters }}'))
        else {{ column }}
    end
{%- endmacro %}

{# True if a text is plain ASCII. #}
{% macro is_ascii(column) -%}
    {{ return(adapter.dispatch('is_ascii')(column)) }}
{%- endmacro %}

{% macro duckdb__is_ascii(column) -%}
    regexp_full_match({{ column }}, '[ -~]*')
{%- endmacro %}
