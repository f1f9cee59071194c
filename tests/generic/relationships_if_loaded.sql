{#
  As `relationships` of dbt, except that a parent without any row counts as not loaded: a part
  of an export, or the API alone, is no error. Fails for each row whose value the parent lacks; with `also`,
  a column that both have must be equal, too, as the snapshot that both are of.
#}
{% test relationships_if_loaded(model, column_name, to, field, also=none) %}
    select children.*
    from {{ model }} as children
    left join {{ to }} as parents
        on
            children.{{ column_name }} = parents.{{ field }}
            {%- if also %}
            and children.{{ also }} = parents.{{ also }}
            {%- endif %}
    where
        children.{{ column_name }} is not null
        and parents.{{ field }} is null
        and exists (select 1 from {{ to }})
{% endtest %}
