{#
  Fails for each combination of the given columns that stands in more than one row. Only what may be
  such a combination is grouped: keys of a log of many millions take more memory than their hashes.
#}
{% test unique_together(model, columns) %}
    with repeated as (
        {{ metronome.repeated_key_hashes(model, columns) }}
    )

    select {{ columns | join(', ') }}
    from {{ model }}
    where {{ metronome.key_hash(columns) }} in (select repeated_hash from repeated)
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
