{#
  Unknown is not zero. A figure that was asked for and is not there is 0; one that nobody could ask for
  is null.
#}

{# An amount of a row that may be missing. #}
{% macro known_amount(amount, is_known) -%}
    cast(case when {{ is_known }} then coalesce({{ amount }}, 0) end as {{ amount_type() }})
{%- endmacro %}

{# A count of rows that may be missing. #}
{% macro known_count(number, is_known) -%}
    cast(case when {{ is_known }} then coalesce({{ number }}, 0) end as integer)
{%- endmacro %}

{# The sum of an amount over a group; null when one of its parts is not known. #}
{% macro complete_sum(amount, is_known) -%}
    case when count(case when {{ is_known }} then 1 end) = count(*) then {{ sum_amounts(amount) }} end
{%- endmacro %}
