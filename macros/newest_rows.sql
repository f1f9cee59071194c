{#
  The newest row per key of an export table, which is an at-least-once log: the same key comes back
  on every update and every retry. Greatest `updated_at` wins, then the latest transfer, then the
  file; where all that is equal, the row's own content decides, so that every run picks the same.
  Filter on status or environment only after this: a VOID row supersedes a FINALIZED one.
#}
{% macro newest_rows(relation, key) -%}
    {{ return(adapter.dispatch('newest_rows')(relation, key)) }}
{%- endmacro %}

{% macro duckdb__newest_rows(relation, key) -%}
    select * exclude (recency)
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by
                    updated_at desc nulls last,
                    _transferred_at desc nulls last,
                    _file desc,
                    hash(export_row)
            ) as recency
        from (select * exclude (_dlt_load_id) from {{ relation }}) as export_row
    )
    where recency = 1
{%- endmacro %}
