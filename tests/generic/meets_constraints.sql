{#
  Fails for each row that breaks a constraint of its model: `not_null`, `unique` and `check`, of a column or of
  the model, as its YAML file declares them in dbt's own words. One node tests all of them in two passes over the
  rows. `broken_constraints` names the constraints that a row breaks, with `; ` between them.

  Uniqueness of one column ignores null, as dbt's own test does; of several columns, null equals null. Only rows
  whose key may repeat are compared: the keys of a log of many millions take more memory than their hashes.
#}
{% test meets_constraints(model) %}
    {%- if not execute -%}
        {{ return('select 1 as broken_constraints') }}
    {%- endif -%}
    {%- set constraints = metronome.declared_constraints('model.' ~ project_name ~ '.' ~ model.identifier) -%}
    {%- set keys = constraints | selectattr('key') | list -%}
    with
    {%- for constraint in keys %}

    repeated_{{ loop.index }} as (
        {{ metronome.repeated_key_hashes(model, constraint.key) }}
    ),
    {%- endfor %}

    suspects as (
        select *
        from {{ model }}
        where
            {%- for constraint in constraints %}
            {%- if constraint.key %}
            {{ metronome.key_hash(constraint.key) }} in (
                select repeated_hash from repeated_{{ keys.index(constraint) + 1 }}
            )
            {%- else %}
            {{ constraint.is_broken }}
            {%- endif %}
            {{- ' or' if not loop.last }}
            {%- endfor %}
    ),

    judged as (
        select
            {%- for constraint in constraints %}
            case
                when
                    {%- if constraint.key %}
                    count(*) over (partition by {{ constraint.key | join(', ') }}) > 1
                    {{- ' and ' ~ constraint.key[0] ~ ' is not null' if constraint.key | length == 1 }}
                    {%- else %}
                    {{ constraint.is_broken }}
                    {%- endif %}
                    then {{ dbt.string_literal(dbt.escape_single_quotes(constraint.name) ~ '; ') }}
                else ''
            end
            {{- ' ||' if not loop.last }}
            {%- endfor %} as broken_constraints,
            suspects.*
        from suspects
    )

    select *
    from judged
    where broken_constraints <> ''
{% endtest %}
