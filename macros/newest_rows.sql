{#
  The newest row per key of an export table, which is an at-least-once log: the same key comes back
  on every update and every retry. Greatest `updated_at` wins, then the latest transfer, then the
  file. Filter on status or environment only after this: a VOID row supersedes a FINALIZED one.
#}
{% macro newest_rows(relation, key) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by updated_at desc nulls last, _transferred_at desc nulls last, _file desc
            ) as _recency
        from {{ relation }}
    )
    where _recency = 1
{%- endmacro %}
