{#
  Fails for each row that breaks a constraint of its model. The YAML file of the model declares the constraints as dbt's
  `not_null`, `unique` and `check`, on a column or on the model. One node tests all of them in two passes over the
  rows. `broken_constraints` lists the constraints that a row breaks, separated by `; `.

  Uniqueness of one column ignores null, like dbt's own test. In a key of several columns, null equals null. Hashes
  find the keys that may repeat, and only those rows are compared, because the keys of many millions of rows take
  more memory than their hashes.
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
