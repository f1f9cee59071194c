{#
  Check the arguments of a run and fill in their defaults. Each argument has a macro. Models read an argument only
  through its macro, so that the manifest shows which models a changed argument affects
  (pipelines/publish/selection.py).

  An argument comes from `--vars '{month: 2024-03}'`, or else from the environment variable REPORT_MONTH, or else from
  dbt_project.yml. An empty text counts as not given.
#}

{#
  Return the text of an argument. Nothing is read while dbt parses, so a changed environment variable does not change
  the parsed project. dbt parses the whole project again if `--vars` change.
#}
{% macro argument(name) -%}
    {%- if not execute -%}
        {{ return('') }}
    {%- endif -%}
    {#- a unit test overrides vars and does not depend on the environment -#}
    {%- if model is defined and model.resource_type == 'unit_test' -%}
        {{ return(var(name) | string | trim) }}
    {%- endif -%}
    {%- set in_vars = (invocation_args_dict.vars or {}).get(name) -%}
    {%- if in_vars is not none -%}
        {{ return(in_vars | string | trim) }}
    {%- endif -%}
    {#- var() renders a text with braces as Jinja, so it is used only for the defaults of dbt_project.yml -#}
    {{ return(env_var('REPORT_' ~ name | upper, '') | trim or var(name) | string | trim) }}
{%- endmacro %}

{# Return the instant for which balances are computed, as an SQL literal: `as_of`, or else the start of the run. #}
{% macro as_of() -%}
    cast('{{ metronome.as_of_value().isoformat() }}' as {{ metronome.instant_type() }})
{%- endmacro %}

{# Return the UTC day of that instant, as an SQL literal. The day has not ended at the instant. #}
{% macro as_of_date() -%}
    cast('{{ metronome.as_of_value().strftime('%Y-%m-%d') }}' as date)
{%- endmacro %}

{# Return `as_of` as a datetime in UTC, or else the start of the run. #}
{% macro as_of_value() -%}
    {%- set given = metronome.argument('as_of') -%}
    {%- if not given -%}
        {{ return(run_started_at.replace(microsecond=0)) }}
    {%- endif -%}
    {%- set time = '([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?' -%}
    {%- if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}' ~ time, given) -%}
        {{ exceptions.raise_compiler_error(
            "as_of: '" ~ given ~ "' is not an instant. Give a day such as 2024-04-03, which is its midnight UTC, or a time such as 2024-04-03T12:00:00Z."
        ) }}
    {%- endif -%}
    {%- do metronome.check_day('as_of', given[:10]) -%}
    {%- set instant = modules.datetime.datetime.fromisoformat(given) -%}
    {{ return(
        instant.astimezone(modules.pytz.utc) if instant.tzinfo else instant.replace(tzinfo=modules.pytz.utc)
    ) }}
{%- endmacro %}

{# Return the month as `YYYY-MM`: `month`, or else the last complete month at `as_of`. #}
{% macro billing_month() -%}
    {%- set given = metronome.argument('month') -%}
    {%- if not given -%}
        {%- set this_month = metronome.as_of_value().replace(day=1) -%}
        {{ return((this_month - modules.datetime.timedelta(days=1)).strftime('%Y-%m')) }}
    {%- endif -%}
    {%- if not modules.re.fullmatch('[0-9]{4}-(0[1-9]|1[0-2])', given) -%}
        {{ exceptions.raise_compiler_error("month: '" ~ given ~ "' is not a month. Give one such as 2024-03.") }}
    {%- endif -%}
    {{ return(given) }}
{%- endmacro %}

{# Return the first day of usage: `usage_from`, or else the first day of the billing month. #}
{% macro usage_from() -%}
    {{ return(metronome.day_argument('usage_from', metronome.billing_month() ~ '-01')) }}
{%- endmacro %}

{# Return the last day of usage, which is included: `usage_to`, or else the last day of the billing month. #}
{% macro usage_to() -%}
    {%- set month = metronome.billing_month() -%}
    {%- set last_day = metronome.days_in_month(month[:4] | int, month[5:] | int) -%}
    {%- set day = metronome.day_argument('usage_to', month ~ '-' ~ last_day) -%}
    {%- if day < metronome.usage_from() -%}
        {{ exceptions.raise_compiler_error(
            'usage_to: ' ~ day ~ ' is before usage_from, ' ~ metronome.usage_from() ~ '.'
        ) }}
    {%- endif -%}
    {{ return(day) }}
{%- endmacro %}

{# Return the requested environment, or an empty text. #}
{% macro environment() -%}
    {%- set given = metronome.argument('environment') | upper -%}
    {%- if given not in ('', 'PRODUCTION', 'SANDBOX') -%}
        {{ exceptions.raise_compiler_error(
            "environment: '" ~ given ~ "' is not an environment. Give PRODUCTION or SANDBOX, or leave it out."
        ) }}
    {%- endif -%}
    {{ return(given) }}
{%- endmacro %}

{# Return the requested customer, a name or an id, as an SQL text. #}
{% macro customer() -%}
    {{ return(metronome.as_sql_text(metronome.argument('customer'))) }}
{%- endmacro %}

{# Return the type of usage events, as an SQL text. #}
{% macro usage_event() -%}
    {{ return(metronome.as_sql_text(metronome.argument('usage_event'))) }}
{%- endmacro %}

{# Return the event property by which usage is grouped. #}
{% macro usage_property() -%}
    {{ return(metronome.argument('usage_property')) }}
{%- endmacro %}

{# Return the event property that usage sums. #}
{% macro usage_quantity() -%}
    {{ return(metronome.argument('usage_quantity')) }}
{%- endmacro %}

{# Return a text as an SQL literal, with its quotes escaped. #}
{% macro as_sql_text(text) -%}
    {{ return(dbt.string_literal(dbt.escape_single_quotes(text))) }}
{%- endmacro %}

{% macro day_argument(name, default) -%}
    {%- set given = metronome.argument(name) or default -%}
    {%- if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', given) -%}
        {{ exceptions.raise_compiler_error(name ~ ": '" ~ given ~ "' is not a day. Give one such as 2024-03-10.") }}
    {%- endif -%}
    {%- do metronome.check_day(name, given) -%}
    {{ return(given) }}
{%- endmacro %}

{% macro check_day(name, day) -%}
    {%- set month, day_of_month = day[5:7] | int, day[8:10] | int -%}
    {%- if month not in range(1, 13)
        or day_of_month not in range(1, metronome.days_in_month(day[:4] | int, month) + 1) -%}
        {{ exceptions.raise_compiler_error(name ~ ": there is no day '" ~ day ~ "'.") }}
    {%- endif -%}
{%- endmacro %}

{% macro days_in_month(year, month) -%}
    {%- set next_month = modules.datetime.date(year + month // 12, month % 12 + 1, 1) -%}
    {{ return((next_month - modules.datetime.timedelta(days=1)).day) }}
{%- endmacro %}
