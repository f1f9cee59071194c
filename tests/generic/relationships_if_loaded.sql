{#
  Fails for each row whose value is not in the parent, like dbt's `relationships`. It passes if the parent table is
  empty, because the parent was not loaded, as with a part of an export or with the API alone. `also` is a column
  that must be equal in both, such as the environment.

  The foreign keys of the plans model in `docs/schema.md` have this test. The docs then show each key next to its
  column. `has_parents` tests all other foreign keys of a model in one node.
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
