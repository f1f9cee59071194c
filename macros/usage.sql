{# What matching events with billable metrics needs, where engines differ. #}

{# The text in parentheses at the end of another, and the text before it; null when it has none. #}
{% macro text_in_parentheses(column) -%}
    nullif(trim(regexp_extract({{ column }}, {{ metronome.as_sql_text('[(]([^()]+)[)]\\s*$') }}, 1)), '')
{%- endmacro %}

{# A text's letters and digits, in lower case: `Fine Tuning` and `fine_tuning` are one. #}
{% macro letters_and_digits(column) -%}
    {{ return(adapter.dispatch('letters_and_digits')(column)) }}
{%- endmacro %}

{% macro duckdb__letters_and_digits(column) -%}
    regexp_replace(lower({{ column }}), '[^a-z0-9]', '', 'g')
{%- endmacro %}

{#
  A value without the ways to spell it: in lower case, look-alike characters being one. Nearly all values
  are plain, and spared the slow way.
#}
{% macro value_key(column) -%}
    case
        when {{ metronome.is_ascii(column) }} then lower(trim({{ column }}))
        else lower({{ metronome.fold_lookalikes(column) }})
    end
{%- endmacro %}

{# Whether a row is in a sample of about `size` rows out of `rows`, the same ones in every run. #}
{% macro is_in_sample(key, rows, size) -%}
    {{ return(adapter.dispatch('is_in_sample')(key, rows, size)) }}
{%- endmacro %}

{# Without the cast, the hash would be divided as a number of 128 bits: 30 times slower. #}
{% macro duckdb__is_in_sample(key, rows, size) -%}
    hash({{ key }}) % cast(greatest({{ rows }} // {{ size }}, 1) as ubigint) = 0
{%- endmacro %}

{# The number of the stretch of 30 days that an instant is in, counted from 1970. #}
{% macro stretch_of_30_days(instant) -%}
    {{ return(adapter.dispatch('stretch_of_30_days')(instant)) }}
{%- endmacro %}

{% macro duckdb__stretch_of_30_days(instant) -%}
    epoch_us({{ instant }}) // (30 * 86400000000)
{%- endmacro %}

{# A relation's rows, once per stretch of 30 days that `[start, end)` touches, as `stretch`. #}
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
