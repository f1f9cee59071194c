{# Match events with billable metrics, where engines differ. #}

{# Return the text in parentheses at the end of a text. Null if there is none. #}
{% macro text_in_parentheses(column) -%}
    nullif(trim(regexp_extract({{ column }}, {{ metronome.as_sql_text('[(]([^()]+)[)]\\s*$') }}, 1)), '')
{%- endmacro %}

{# Return the letters and digits of a text in lower case, so that `Fine Tuning` equals `fine_tuning`. #}
{% macro letters_and_digits(column) -%}
    {{ return(adapter.dispatch('letters_and_digits')(column)) }}
{%- endmacro %}

{% macro duckdb__letters_and_digits(column) -%}
    regexp_replace(lower({{ column }}), '[^a-z0-9]', '', 'g')
{%- endmacro %}

{#
  Return a value in lower case and with look-alike characters replaced, so that spellings are equal. Nearly all values
  are plain ASCII and skip the slow part.
#}
{% macro value_key(column) -%}
    case
        when {{ metronome.is_ascii(column) }} then lower(trim({{ column }}))
        else lower({{ metronome.fold_lookalikes(column) }})
    end
{%- endmacro %}

{# True if a row is in a sample of about `size` of `rows` rows. The sample is the same in every run. #}
{% macro is_in_sample(key, rows, size) -%}
    {{ return(adapter.dispatch('is_in_sample')(key, rows, size)) }}
{%- endmacro %}

{# Without the cast, the hash is divided as a number of 128 bits, which is 30 times slower. #}
{% macro duckdb__is_in_sample(key, rows, size) -%}
    hash({{ key }}) % cast(greatest({{ rows }} // {{ size }}, 1) as ubigint) = 0
{%- endmacro %}

{# Return the number of the 30-day period of an instant, counted from 1970. #}
{% macro stretch_of_30_days(instant) -%}
    {{ return(adapter.dispatch('stretch_of_30_days')(instant)) }}
{%- endmacro %}

{% macro duckdb__stretch_of_30_days(instant) -%}
    epoch_us({{ instant }}) // (30 * 86400000000)
{%- endmacro %}

{# Select the rows of a relation, once per 30-day period that overlaps `[start, end)`, with its number as `stretch`. #}
{% macro unnest_stretches(relation, start, end) -%}
    {{ return(adapter.dispatch('unnest_stretches')(relation, start, end)) }}
{%- endmacro %}

{% macro duckdb__unnest_stretches(relation, start, end) -%}
    select
        *,
        unnest(
            range({{ metronome.stretch_of_30_days(start) }}, {{ metronome.stretch_of_30_days(end) }} + 1)
        ) as stretch
    from {{ relation }}
{%- endmacro %}
