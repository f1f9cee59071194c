{#
  Fails for each combination of the given columns that stands in more than one row. Only what may be
  such a combination is grouped: keys of a log of many millions take more memory than their hashes.
#}
{% test unique_together(model, columns) %}
    with suspected as (
        select {{ metronome.key_hash(columns) }} as suspected_hash
        from {{ model }}
        group by suspected_hash
        having count(*) > 1
    )

    select {{ columns | join(', ') }}
    from {{ model }}
    where {{ metronome.key_hash(columns) }} in (select suspected_hash from suspected)
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
