{#
  Unknown is not zero. A figure is 0 if its source was read and has no rows. It is null if its source was not read.
#}

{# Return an amount of a row that can be missing: 0 if it is missing, null if it is unknown. #}
{% macro known_amount(amount, is_known) -%}
    cast(case when {{ is_known }} then coalesce({{ amount }}, 0) end as {{ amount_type() }})
{%- endmacro %}

{# Return a count of rows that can be missing: 0 if there are none, null if it is unknown. #}
{% macro known_count(number, is_known) -%}
    cast(case when {{ is_known }} then coalesce({{ number }}, 0) end as integer)
{%- endmacro %}

{# Sum an amount over a group. Null if one of its parts is unknown. #}
{% macro complete_sum(amount, is_known) -%}
    case when count(case when {{ is_known }} then 1 end) = count(*) then {{ sum_amounts(amount) }} end
{%- endmacro %}
