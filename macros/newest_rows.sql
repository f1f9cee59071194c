{#
  The newest row per key of an export table, which is an at-least-once log: the same key comes back
  on every update and every retry. The greatest version wins, `updated_at` unless said otherwise, then
  the latest transfer, then the file; where all that is equal, the row's own content decides, so that
  every run picks the same. Filter on status or environment only after this: a VOID row supersedes a
  FINALIZED one.

  Nearly all keys occur once. Only the rows of those that may occur again are sorted: to sort a log of
  many millions takes more memory than there is.
#}
{% macro newest_rows(relation, key, version=['updated_at']) -%}
    {{ return(adapter.dispatch('newest_rows')(relation, key, version)) }}
{%- endmacro %}

{% macro duckdb__newest_rows(relation, key, version) -%}
    with repeated as (
        {{ metronome.repeated_key_hashes(relation, key) }}
    )

    select * from {{ relation }}
    anti join repeated on {{ metronome.key_hash(key) }} = repeated_hash
    union all
    select * exclude (content, recency)
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by
                    {%- for column in version %}
                    {{ column }} desc nulls last,
                    {%- endfor %}
                    _transferred_at desc nulls last,
                    _file desc,
                    content
            ) as recency
        from (
            select
                *,
                {{ metronome.content_hash() }} as content
            from {{ relation }}
            semi join repeated on {{ metronome.key_hash(key) }} = repeated_hash
        )
    )
    where recency = 1
{%- endmacro %}

{#
  The newest row per key of an export table that repeats in full every day: first each environment's
  newest snapshot is chosen, so that what is gone from it is gone, then the newest row per key.
#}
{% macro newest_snapshot(relation, key) -%}
    {%- set snapshot = "coalesce(environment_type, ''), coalesce(snapshot_id, '')" -%}
    {%- set newest -%}
        (
            select * from {{ relation }}
            where ({{ snapshot }}) in (
                select coalesce(environment_type, ''), coalesce(max(snapshot_id), '')
                from {{ relation }}
                group by environment_type
            )
        )
    {%- endset -%}
    {{ metronome.newest_rows(newest, key) }}
{%- endmacro %}
