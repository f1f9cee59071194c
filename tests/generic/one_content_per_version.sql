{#
  Fails for each version of a key of a raw export table that stands in one file with two contents: which of
  them is right cannot be known, though every run takes the same. Only what is repeated is compared.
#}
{% test one_content_per_version(model, key) %}
    {%- set version = key + ['updated_at', '_file', '_dlt_load_id'] %}
    with current_rows as (
        {{ metronome.current_rows(model) }}
    ),

    suspected as (
        select {{ metronome.key_hash(version) }} as suspected_hash
        from current_rows
        group by suspected_hash
        having count(*) > 1
    ),

    repeated as (
        select
            *,
            {{ metronome.content_hash() }} as content
        from current_rows
        where {{ metronome.key_hash(version) }} in (select suspected_hash from suspected)
    )

    select {{ (key + ['updated_at', '_file']) | join(', ') }}
    from repeated
    group by {{ version | join(', ') }}
    having count(distinct content) > 1
{% endtest %}
