{#
  Before a run: check the arguments that need no data, and that a pipeline has loaded something. A run that fails
  here changes no table. Without the environment variable of the database, print which one dbt uses.
#}
{% macro check_run() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'show', 'compile') -%}
        {%- do [as_of_value(), usage_to(), environment()] -%}
        {%- if not env_var('DESTINATION__DUCKDB__CREDENTIALS', '') -%}
            {{ print('Database: ' ~ database_file()) }}
        {%- endif -%}
        {%- do check_sources_exist() -%}
    {%- endif -%}
{%- endmacro %}

{# The file of the database, without links; the folder of the tables where there are many files. #}
{% macro database_file() -%}
    {{ return(adapter.dispatch('database_file')()) }}
{%- endmacro %}

{% macro duckdb__database_file() -%}
    {{ return(run_query(
        'select path from duckdb_databases() where database_name = current_database()'
    ).columns[0].values()[0]) }}
{%- endmacro %}

{% macro check_sources_exist() -%}
    {%- set missing = [] -%}
    {%- for schema in ('raw_api', 'raw_export') if not adapter.check_schema_exists(target.database, schema) -%}
        {%- do missing.append(schema) -%}
    {%- endfor -%}
    {%- if missing -%}
        {{ exceptions.raise_compiler_error(
            'The database ' ~ database_file() ~ ' holds no ' ~ missing | join(' and no ') ~ ': nothing was loaded into it. '
            ~ how_to_load()
        ) }}
    {%- endif -%}
{%- endmacro %}

{# What loads the database, as a sentence. #}
{% macro how_to_load() -%}
    {{ return(adapter.dispatch('how_to_load')()) }}
{%- endmacro %}

{% macro duckdb__how_to_load() -%}
    {{ return(
        'Run `make reports`, or `dlt pipeline run` with DESTINATION__DUCKDB__CREDENTIALS=' ~ database_file() ~ '.'
    ) }}
{%- endmacro %}

{#
  Before dbt changes a table: delete the record of the last published run, which its tables no longer match. The
  publisher records the next one (pipelines/publish/selection.py).
#}
{% macro invalidate_last_published_run() -%}
    {%- if flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'clone', 'run-operation', 'retry') -%}
        drop table if exists publishing.last_published_run
    {%- endif -%}
{%- endmacro %}

{# After a run: print each test that warned or failed, with its description and some of its rows. #}
{% macro print_failures(results) -%}
    {%- if execute -%}
        {%- for result in results
            if result.node.resource_type == 'test' and result.status in ('warn', 'fail') and result.failures -%}
            {{ print('\n' ~ ('Warning' if result.status == 'warn' else 'Failed') ~ ': ' ~ result.node.name ~ ', rows: ' ~ result.failures) }}
            {%- if result.node.description -%} {{ print('    ' ~ result.node.description) }} {%- endif -%}
            {%- do print_rows(result.node) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#
  Print the first rows that a data test returns: their first values, with the names of the columns. A grouped test
  names in its first column what a row breaks: that is counted, and has some rows of its own.
#}
{% macro print_rows(test) -%}
    {%- set found = '(\n' ~ test.compiled_code ~ '\n) as found' -%}
    {%- set grouped = {'meets_constraints': 'broken_constraints', 'has_parents': 'missing_parents'}.get(
        test.test_metadata.name if test.test_metadata else none
    ) -%}
    {%- if not grouped -%}
        {%- do print_table('select * from ' ~ found ~ ' order by 1 limit 3') -%}
    {%- else -%}
        {%- for broken in run_query(
            'select ' ~ grouped ~ ', count(*) from ' ~ found ~ ' group by 1 order by 2 desc, 1 limit 10'
        ).rows -%}
            {{ print('    ' ~ printable(broken[0] | trim('; ')) ~ ', rows: ' ~ broken[1]) }}
            {%- do print_table(
                'select * from ' ~ found ~ ' where ' ~ grouped ~ ' = ' ~ as_sql_text(broken[0]) ~ ' limit 3',
                grouped
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro print_table(query, without=none) -%}
    {%- for row in run_query(query).rows -%}
        {%- set values = [] -%}
        {%- for name, value in row.dict().items() if value is not none and name != without -%}
            {%- do values.append(name ~ ' ' ~ value) -%}
        {%- endfor -%}
        {{ print('        ' ~ printable(values[:5] | join(', '))) }}
    {%- endfor -%}
{%- endmacro %}
