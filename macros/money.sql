{#
  Amounts. Raw and staging have amounts as Metronome states them, as DECIMAL(38, 18). Later layers have them in the
  major unit, as DECIMAL(36, 20). This type holds a hundredth of a stated amount exactly.

  An engine rounds a difference or a product that needs more than 38 digits. So an amount as stated is cast to
  DECIMAL(34, 18) before it is subtracted or multiplied. A sum needs no such cast: it is cast to its type after the rows
  are added. A value that does not fit in its type is an error.
#}

{# Return an amount in the major unit of its pricing unit. Only `USD (cents)` is in hundredths. #}
{% macro major_amount(amount, source_pricing_unit) -%}
    cast({{ metronome.as_source_amount(amount) }} * case {{ source_pricing_unit }} when 'USD (cents)' then 0.01 else 1.00 end as {{ amount_type() }})
{%- endmacro %}

{# Return the pricing unit of an amount in the major unit: `USD` for `USD (cents)`, otherwise the same name. #}
{% macro pricing_unit(source_pricing_unit) -%}
    case {{ source_pricing_unit }} when 'USD (cents)' then 'USD' else {{ source_pricing_unit }} end
{%- endmacro %}

{% macro amount_type() -%} decimal(36, 20) {%- endmacro %}

{% macro source_amount_type() -%} decimal(34, 18) {%- endmacro %}

{% macro quantity_type() -%} decimal(38, 18) {%- endmacro %}

{# A number as an amount in the major unit. #}
{% macro as_amount(number) -%}
    {{ metronome.exact_cast(number, amount_type()) }}
{%- endmacro %}

{# A number as an amount in the unit that Metronome states. #}
{% macro as_source_amount(number) -%}
    {{ metronome.exact_cast(number, source_amount_type()) }}
{%- endmacro %}

{# The sum of amounts in the major unit over a group; null without any. #}
{% macro sum_amounts(amount) -%}
    {{ metronome.exact_sum(amount, amount_type()) }}
{%- endmacro %}

{# The sum of amounts in the unit that Metronome states, over a group or the window that `over` names. #}
{% macro sum_source_amounts(amount, over=none) -%}
    {{ metronome.exact_sum(amount, source_amount_type(), over) }}
{%- endmacro %}

{# The sum of quantities over a group; null without any. #}
{% macro sum_quantities(quantity) -%}
    {{ metronome.exact_sum(quantity, quantity_type()) }}
{%- endmacro %}

{# One quantity minus another. #}
{% macro quantity_difference(quantity, other) -%}
    {%- set operand_type = 'decimal(36, 18)' -%}
    cast(
        {{ metronome.exact_cast(quantity, operand_type) }} - {{ metronome.exact_cast(other, operand_type) }}
        as {{ quantity_type() }}
    )
{%- endmacro %}

{# A number as a decimal of a type. A number that does not fit is an error. #}
{% macro exact_cast(number, type) -%}
    {{ return(adapter.dispatch('exact_cast')(number, type)) }}
{%- endmacro %}

{% macro default__exact_cast(number, type) -%}
    cast({{ number }} as {{ type }})
{%- endmacro %}

{# The sum of numbers as a decimal of a type; null without any. A sum that does not fit is an error. #}
{% macro exact_sum(number, type, over=none) -%}
    {{ return(adapter.dispatch('exact_sum')(number, type, over)) }}
{%- endmacro %}

{% macro default__exact_sum(number, type, over) -%}
    cast(sum({{ number }}){{ ' over ' ~ over if over }} as {{ type }})
{%- endmacro %}

{#
  Return the approximate price of one unit, as a double. Select it as a separate column, because engines compute an
  expression wherever it is used.
#}
{% macro rough_unit_price(amount, quantity) -%}
    cast({{ amount }} as double) / nullif(cast({{ quantity }} as double), 0)
{%- endmacro %}

{#
  Return a quantity with few enough digits to be multiplied by a price, or null. Select it as a separate column, as
  above.
#}
{% macro short_quantity(quantity) -%}
    {{ return(adapter.dispatch('short_quantity')(quantity)) }}
{%- endmacro %}

{# DuckDB takes 2.5 microseconds to shorten a decimal with many digits, and a fifth of that through a double. #}
{% macro duckdb__short_quantity(quantity) -%}
    {%- set by_double = 'try_cast(cast(' ~ quantity ~ ' as double) as decimal(18, 6))' -%}
    case
        when {{ quantity }} = {{ by_double }} then cast({{ by_double }} as decimal(28, 14))
        when {{ quantity }} = try_cast({{ quantity }} as decimal(28, 14)) then try_cast({{ quantity }} as decimal(28, 14))
    end
{%- endmacro %}

{#
  Return the price whose product with a `short_quantity` is exactly `amount`, or null. The price is below 10^13. It has
  at most 10 decimals below 900,000, and at most 4 from there on. Charges without tiers have such prices. A double is
  exact to 15 digits, so `guessed_price` finds such a price. The product proves it.
#}
{% macro exact_unit_price(rough_price, short_quantity, amount) -%}
    {{ return(adapter.dispatch('exact_unit_price')(rough_price, short_quantity, amount)) }}
{%- endmacro %}

{# Return the decimal next to an approximate price. Null if it is 10^13 or more. #}
{% macro guessed_price(rough_price) -%}
    case
        when abs({{ rough_price }}) < 900000 then try_cast({{ rough_price }} as decimal(23, 10))
        else cast(try_cast({{ rough_price }} as decimal(17, 4)) as decimal(23, 10))
    end
{%- endmacro %}

{% macro duckdb__exact_unit_price(rough_price, short_quantity, amount) -%}
    {%- set price = guessed_price(rough_price) -%}
    case
        when try({{ price }} * {{ short_quantity }} = {{ amount }})
            then cast({{ price }} as decimal(38, 18))
    end
{%- endmacro %}

{#
  The largest relative error of an amount that is stored as a double: one part in 10^12. A double is exact to 15
  digits, and a sum of a thousand doubles to 12. The loader of the export has the same rule.
#}
{% macro double_tolerance() -%} 0.000000000001 {%- endmacro %}

{#
  True if two amounts, or two quantities, are exactly equal. If the export has numbers that are stored as doubles, the
  two may differ by `double_tolerance`. Null if one of them is null. The loader marks the files with such numbers.

  All tests and the reconciliation compare by this macro. The error is relative: compare two sums, not their difference
  with 0. The cases keep the slow cast to a double to amounts that are not exactly equal.
#}
{% macro equal_amounts(amount, other) -%}
    case
        when {{ amount }} = {{ other }} then true
        when {{ amount }} != {{ other }} then
            abs(cast({{ amount }} as double) - cast({{ other }} as double))
            <= {{ metronome.double_tolerance() }} * cast(greatest(abs({{ amount }}), abs({{ other }})) as double)
            and (
                select count(*) from {{ ref('stg_metronome_export__loaded_files') }}
                where is_newest and has_doubles
            ) > 0
    end
{%- endmacro %}

{# One amount in the major unit minus another: 0 if they are `equal_amounts`, null if one of them is null. #}
{% macro amount_difference(amount, other) -%}
    case
        when {{ metronome.equal_amounts(amount, other) }} then 0
        else {{ metronome.as_amount(amount ~ ' - ' ~ other) }}
    end
{%- endmacro %}

{# Return a text as an exact decimal. Null if it is not a number. #}
{% macro text_to_quantity(column) -%}
    {{ return(adapter.dispatch('text_to_quantity')(column)) }}
{%- endmacro %}

{#
  DuckDB takes 9 microseconds to cast a text to a decimal of more than 18 digits, which is minutes for a log of events.
  A plain number is cast in two parts, before and after the point, of 18 digits each. This takes a twentieth of the time.
#}
{% macro duckdb__text_to_quantity(column) -%}
    case
        when regexp_full_match({{ column }}, '-?[0-9]{1,18}([.][0-9]{0,18})?')
            then cast(cast(split_part({{ column }}, '.', 1) as bigint) as decimal(38, 18))
                + cast(
                    case when {{ column }} like '-%' then '-0.' else '0.' end
                    || split_part({{ column }}, '.', 2) || '0' as decimal(18, 18)
                )
        else try_cast({{ column }} as decimal(38, 18))
    end
{%- endmacro %}

{#
  Return the whole days until a balance is used up at the rate of the last 30 days. Null if nothing was used. Days are
  not money, so a rounded double is exact enough.
#}
{% macro days_left(balance, used_in_30_days) -%}
    cast(
        case when {{ used_in_30_days }} > 0 then floor(round(30 * cast({{ balance }} as double) / cast({{ used_in_30_days }} as double), 6)) end
        as bigint
    )
{%- endmacro %}
