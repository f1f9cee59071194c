{#
  Post-hook of report_parameters: stop the run before any report is written if the requested environment has no
  customer, or if the argument `customer` does not match exactly one customer. The message lists the candidates.
#}
{% macro check_arguments() -%}
    {%- if execute -%}
        {%- do check_environment() -%}
        {%- do check_customer() -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_environment() -%}
    {%- set there = run_query(
        'select distinct environment_type from ' ~ ref('dim_customers')
        ~ ' where environment_type is not null order by environment_type'
    ).columns[0].values() -%}
    {%- if environment() and there and environment() not in there -%}
        {{ exceptions.raise_compiler_error(
            'environment: no customer is in ' ~ environment() ~ '; the data holds '
            ~ printable(there | join(' and ')) ~ '.'
        ) }}
    {%- endif -%}
{%- endmacro %}

{% macro check_customer() -%}
    {%- set asked = argument('customer') -%}
    {%- set matches = run_query('select matching_customers from ' ~ this).columns[0].values()[0] -%}
    {%- if asked and matches != 1 -%}
        {%- set candidates = [] -%}
        {%- for row in run_query(similar_customers(likeness=1.0 if matches > 1 else 0.7)) -%}
            {%- do candidates.append(
                '\n    ' ~ printable(row[0] ~ '  ' ~ row[1]) ~ ('  (archived)' if row[2] else '')
            ) -%}
        {%- endfor -%}
        {%- if matches > 1 -%}
            {{ exceptions.raise_compiler_error(
                "customer: '" ~ asked ~ "' is the name of " ~ matches ~ ' customers. Give the id of one:'
                ~ candidates | join
            ) }}
        {%- endif -%}
        {{ exceptions.raise_compiler_error(
            "customer: no customer has the name or id '" ~ asked ~ "'."
            ~ (' Did you mean one of these?' ~ candidates | join if candidates else ' No name is similar.')
        ) }}
    {%- endif -%}
{%- endmacro %}

{# Return up to 10 customers with a similar name, most similar first. `likeness` is from 0 to 1, and 1 is equal. #}
{% macro similar_customers(likeness) -%}
    {%- set similarity = metronome.similarity(
        'lower(trim(customers.customer_name))', 'lower(' ~ customer() ~ ')', likeness
    ) -%}
    select
        customers.customer_id,
        customers.customer_name,
        customers.archived_at is not null as is_archived
    from {{ ref('dim_customers') }} as customers
    inner join {{ this }} as arguments
        on customers.environment_type is not distinct from arguments.environment_type
    where {{ similarity.is_similar }}
    order by {{ similarity.order }}, customers.customer_id
    limit 10
{%- endmacro %}

{# Return the condition that a name is similar to another, and the order that starts with the most similar name. #}
{% macro similarity(name, asked, likeness) -%}
    {{ return(adapter.dispatch('similarity')(name, asked, likeness)) }}
{%- endmacro %}

{% macro duckdb__similarity(name, asked, likeness) -%}
    {%- set similarity = 'jaro_winkler_similarity(' ~ name ~ ', ' ~ asked ~ ')' -%}
    {{ return({'is_similar': similarity ~ ' >= ' ~ likeness, 'order': similarity ~ ' desc'}) }}
{%- endmacro %}
