{#
  Fails for each row whose foreign key has no parent. One node tests all foreign keys of a model. `missing_parents`
  lists the columns without a parent, separated by `; `.

  `parents` lists the foreign keys. `column` of this model refers to `field` of the model `to`. `also` is a column
  that must be equal in both. A null key passes. A key also passes if the parent table is empty, because it was
  not loaded, as with a part of an export or with the API alone.

  The keys between the tables of the plans model in `docs/schema.md` have `relationships_if_loaded` instead.
#}
{% test has_parents(model, parents) %}
    select *
    from (
        select
            {%- for parent in parents %}
            case
                when {{ metronome.is_orphan('children.' ~ parent.column, 'parents_' ~ loop.index, parent) }}
                    then '{{ parent.column }} is not in {{ parent.to.identifier }}; '
                else ''
            end
            {{- ' ||' if not loop.last }}
            {%- endfor %} as missing_parents,
            children.*
        from {{ model }} as children
        {%- for parent in parents %}
        left join {{ parent.to }} as parents_{{ loop.index }}
            on
                children.{{ parent.column }} = parents_{{ loop.index }}.{{ parent.field }}
                {%- if parent.also %}
                and children.{{ parent.also }} = parents_{{ loop.index }}.{{ parent.also }}
                {%- endif %}
        {%- endfor %}
    ) as judged
    where missing_parents <> ''
{% endtest %}
