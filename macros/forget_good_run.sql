{#
  Before dbt changes a table: what is noted of the last good run does not hold any more. Its publisher notes
  the next one (pipelines/publish/reach.py).
#}
{% macro forget_good_run() -%}
    {%- if flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'clone', 'run-operation', 'retry') -%}
        drop table if exists publishing.last_good_run
    {%- endif -%}
{%- endmacro %}
