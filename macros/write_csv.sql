{#
  Write a report to `<reports_dir>/<name without rpt_>.csv`, as a post-hook of the report. The file is RFC 4180 (CRLF,
  quoted if needed) and UTF-8, and it always has a header. Rows are ordered by the report's `meta.order_by`. Numbers are
  exact and without exponents, instants are ISO 8601 in UTC, and null is empty. The file is replaced in one step, and
  only after all tests of all parents have passed. `python -m pipelines.publish` sets another folder, and publishes the
  files after all of them are written and tested.
#}
{% macro write_csv() -%}
    {%- if execute -%}
        {{ return(adapter.dispatch('write_csv')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__write_csv() -%}
    copy (
        {{ metronome.csv_rows() }}
    ) to '{{ dbt.escape_single_quotes(report_path(this.identifier)) }}'
    (format csv, header true, new_line '\r\n', nullstr '', use_tmp_file true)
{%- endmacro %}

{# Select the rows of the report as texts, in the order of the file. #}
{% macro csv_rows() -%}
    select
        {%- for column in adapter.get_columns_in_relation(this) %}
        {{ csv_cell(column) }} as {{ column.quoted }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ this }} as report
    order by
        {%- for column in model.config.meta.order_by %}
        report.{{ column }} asc nulls last{{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{% macro report_path(report_model) -%}
    {{ return(env_var('REPORTS_DIR', argument('reports_dir')) ~ '/' ~ report_model[4:] ~ '.csv') }}
{%- endmacro %}

{# Return a column as the text of a CSV cell. #}
{% macro csv_cell(column) -%}
    {%- set name = 'report.' ~ column.quoted -%}
    {%- set type = column.data_type | lower -%}
    {%- if column.is_string() or type == 'string' -%}
        {{ spreadsheet_safe(name) }}
    {%- elif type.startswith('decimal') -%}
        {{ plain_number(name, type) }}
    {%- elif type == instant_type() | trim -%}
        {{ instant_text(name) }}
    {%- else -%}
        cast({{ name }} as string)
    {%- endif -%}
{%- endmacro %}

{# Return a text, with an apostrophe before it if a spreadsheet would read it as a formula. #}
{% macro spreadsheet_safe(column) -%}
    case
        when {{ matches(column, '^([\\x00-\\x20\\x{a0}\\x{200b}\\x{feff}]*[=+@＝＋－＠-]|[\\t\\r\\n])') }} then {{ as_sql_text("'") }} || {{ column }}
        else {{ column }}
    end
{%- endmacro %}

{# Return a number as exact text, without trailing zeros: `8101.27205`. #}
{% macro plain_number(column, type) -%}
    {{ return(adapter.dispatch('plain_number')(column, type)) }}
{%- endmacro %}

{% macro duckdb__plain_number(column, type) -%}
    case
        when contains(cast({{ column }} as string), '.')
            then rtrim(rtrim(cast({{ column }} as string), '0'), '.')
        else cast({{ column }} as string)
    end
{%- endmacro %}

{# An instant as ISO 8601 text in UTC, without zeros at the end of its fraction. #}
{% macro instant_text(column) -%}
    {{ return(adapter.dispatch('instant_text')(column)) }}
{%- endmacro %}

{% macro duckdb__instant_text(column) -%}
    strftime({{ column }}, '%Y-%m-%dT%H:%M:%S') || rtrim(rtrim(strftime({{ column }}, '.%f'), '0'), '.') || 'Z'
{%- endmacro %}
