{#
  dbt's own test of what must not be null, except that it gives whole rows: a column of nulls would not say
  which.
#}
{% test not_null(model, column_name) %}
    select *
    from {{ model }}
    where {{ column_name }} is null
{% endtest %}
