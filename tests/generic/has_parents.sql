{#
  Fails for each row that names a parent that does not exist. One node tests all foreign keys of a model:
  `missing_parents` names the columns without a parent, with `; ` between them.

  `parents` lists the keys: `column` of this model holds a `field` of the model `to`; with `also`, a column that
  both have must be equal, too. Null names no parent. A parent table without any row was not loaded: a part of
  an export, or the API alone, passes.
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
