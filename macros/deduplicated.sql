{#
  Select the newest row per key of an export table. The table is an at-least-once log: a key occurs again on every
  update and every retry. The row with the greatest version is kept, by default `updated_at`, then the latest
  transfer, then the file. If all of them are equal, the content of the row decides, so that every run keeps the same
  row. Filter on status or environment only after this, because a VOID row replaces a FINALIZED row.

  Nearly all keys occur once. Only rows whose key may occur again are sorted, because sorting many millions of rows
  takes too much memory.

  `reused` is for keys that a client may use again for another object. With `{'at': 'timestamp', 'after_days': 34}`,
  the first row of a key starts a window of 34 days. The first row after a window starts the next window. Each window
  keeps its newest row. A key whose rows are at most 34 days apart has one window.
#}
{% macro deduplicated(relation, key, version=['updated_at'], reused=none) -%}
    {{ return(adapter.dispatch('deduplicated')(relation, key, version, reused)) }}
{%- endmacro %}

{% macro duckdb__deduplicated(relation, key, version, reused) -%}
    with repeated as (
        {{ metronome.repeated_key_hashes(relation, key) }}
    ),
    {%- if reused %}

    reused as (
        select {{ metronome.key_hash(key) }} as reused_hash
        from {{ relation }}
        semi join repeated on {{ metronome.key_hash(key) }} = repeated_hash
        group by reused_hash
        having max({{ reused.at }}) > min({{ reused.at }}) + to_days({{ reused.after_days }})
    ),
    {%- endif %}

    candidates as (
        select
            *,
            {{ metronome.content_hash() }} as content
            {%- if reused %},
            cast(null as {{ metronome.instant_type() }}) as use_started_at
            {%- endif %}
        from {{ relation }}
        semi join repeated on {{ metronome.key_hash(key) }} = repeated_hash
        {%- if reused %}
        anti join reused on {{ metronome.key_hash(key) }} = reused_hash
        union all
        select
            * exclude (instants),
            {{ metronome.last_start(reused.at, 'instants', reused.after_days) }} as use_started_at
        from (
            select
                *,
                {{ metronome.content_hash() }} as content,
                list({{ reused.at }}) over (partition by {{ key | join(', ') }}) as instants
            from {{ relation }}
            semi join reused on {{ metronome.key_hash(key) }} = reused_hash
        )
        {%- endif %}
    )

    select * from {{ relation }}
    anti join repeated on {{ metronome.key_hash(key) }} = repeated_hash
    union all
    select * exclude (content, recency{{ ', use_started_at' if reused }})
    from (
        select
            *,
            {{ metronome.recency(key, version, reused) }} as recency
        from candidates
    )
    where recency = 1
{%- endmacro %}

{# Number the rows of a key, or of a window of the key, from the newest. #}
{% macro recency(key, version, reused) -%}
    row_number() over (
        partition by {{ (key + (['use_started_at'] if reused else [])) | join(', ') }}
        order by
            {%- for column in version %}
            {{ column }} desc nulls last,
            {%- endfor %}
            {{ metronome.newest_file_first() }}
            content
    )
{%- endmacro %}

{#
  Return the start of the window that an instant is in. `instants` has all instants of its key. The first instant
  starts a window of `days` days. The first instant after a window starts the next window.
#}
{% macro last_start(instant, instants, days) -%}
    {{ return(adapter.dispatch('last_start')(instant, instants, days)) }}
{%- endmacro %}

{% macro duckdb__last_start(instant, instants, days) -%}
    list_reduce(
        list_sort(list_filter({{ instants }}, lambda moment: moment <= {{ instant }})),
        lambda started, moment: case when moment <= started + to_days({{ days }}) then started else moment end,
        cast(null as {{ metronome.instant_type() }})
    )
{%- endmacro %}

{# Order rows of the same version: the latest transfer first, then the file. #}
{% macro newest_file_first() -%}
    {%- if metronome.export_has_files() -%}
        _transferred_at desc nulls last,
        _file desc,
    {%- endif -%}
{%- endmacro %}

{#
  Select the newest row per key of an export table with a full snapshot per day. The newest snapshot of each
  environment is selected first, so that deleted objects disappear, and then the newest row per key.
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
    {{ metronome.deduplicated(newest, key) }}
{%- endmacro %}
