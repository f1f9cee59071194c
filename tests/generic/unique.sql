{#
  dbt's own test of a column whose values stand in one row each, except that only what may stand in two is grouped,
  as in `unique_together`; and null is no value.
#}
{% test unique(model, column_name) %}
    with repeated as (
        {{ metronome.repeated_key_hashes(model, [column_name]) }}
    )

    select {{ column_name }}
    from {{ model }}
    where
        {{ column_name }} is not null
        and {{ metronome.key_hash([column_name]) }} in (select repeated_hash from repeated)
    group by {{ column_name }}
    having count(*) > 1
{% endtest %}
