{#
  Return the constraints of a model that `meets_constraints` tests. Each has a name, and either `key`, the columns that
  are unique together, or `is_broken`, a condition that is true for a row that breaks the constraint.
#}
{% macro declared_constraints(unique_id) -%}
    {%- set declared = graph.nodes[unique_id] -%}
    {%- set found = [] -%}
    {%- for column in declared.columns.values() -%}
        {%- for constraint in column.constraints -%}
            {%- do found.append(metronome.readable_constraint(constraint, [column.name])) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for constraint in declared.constraints -%}
        {%- do found.append(metronome.readable_constraint(constraint, constraint.columns)) -%}
    {%- endfor -%}
    {%- if not found -%}
        {{ exceptions.raise_compiler_error(unique_id ~ ' declares no constraint that meets_constraints can test.') }}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{% macro readable_constraint(constraint, columns) -%}
    {%- set type = constraint.type | string -%}
    {%- if type == 'not_null' -%}
        {{ return({'name': columns[0] ~ ' not_null', 'key': none, 'is_broken': columns[0] ~ ' is null'}) }}
    {%- elif type == 'unique' -%}
        {{ return({'name': columns | join(', ') ~ ' unique', 'key': columns, 'is_broken': none}) }}
    {%- elif type == 'check' -%}
        {%- set condition = '(' ~ constraint.expression ~ ')' -%}
        {{ return({'name': 'check ' ~ condition, 'key': none, 'is_broken': 'not ' ~ condition}) }}
    {%- endif -%}
    {{ exceptions.raise_compiler_error('meets_constraints cannot test a constraint of type ' ~ type ~ '.') }}
{%- endmacro %}

{#
  Overrides dbt's macro, which adds constraints to the columns of a table with a contract. Here the test
  `meets_constraints` proves the constraints. It reports the rows, and a unique key needs no index in memory.
#}
{% macro default__get_table_columns_and_constraints() -%}
    (
        {%- for column in model.columns.values() %}
        {{ adapter.quote(column.name) if column.quote else column.name }} {{ column.data_type }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# True if a key has no row in its parent, which was joined by `parent.field`, and the parent has rows. #}
{% macro is_orphan(key, joined, parent) -%}
    {{ key }} is not null and {{ joined }}.{{ parent.field }} is null and exists (select 1 from {{ parent.to }})
{%- endmacro %}
