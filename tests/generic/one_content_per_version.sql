{#
  Fails for each version of a key of a raw export table that has two contents in one file. It is unknown which of them
  is right, although every run keeps the same one. Only repeated keys are compared.
#}
{% test one_content_per_version(model, key) %}
    {%- set version = key + ['updated_at'] + (['_file', '_dlt_load_id'] if metronome.export_has_files() else []) %}
    with live_rows as {{ metronome.not_materialized() }} (
        {{ metronome.live_rows(model) }}
    ),

    repeated as (
        {{ metronome.repeated_key_hashes('live_rows', version) }}
    ),

    compared as (
        select
            *,
            {{ metronome.content_hash() }} as content
        from live_rows
        where {{ metronome.key_hash(version) }} in (select repeated_hash from repeated)
    )

    select {{ version | reject('equalto', '_dlt_load_id') | join(', ') }}
    from compared
    group by {{ version | join(', ') }}
    having count(distinct content) > 1
{% endtest %}
