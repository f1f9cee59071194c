{#
  dbt's own relationship test, except that a parent without any row is one that was not loaded: a part
  of an export, or the API alone, is no error. Fails for each value that the parent lacks.
#}
{% test relationships(model, column_name, to, field) %}
    select children.{{ column_name }}
    from {{ model }} as children
    left join {{ to }} as parents on children.{{ column_name }} = parents.{{ field }}
    where
        children.{{ column_name }} is not null
        and parents.{{ field }} is null
        and exists (select 1 from {{ to }})
{% endtest %}
