-- One row per environment and identifier by which an event can name a customer: the customer's id or an alias.
with

customers as (
    select * from {{ ref('int_customers_combined') }}
),

aliases as (
    {{ unnest_json_texts('customers', 'ingest_aliases') }}
),

identifiers as (
    select
        environment_type,
        customer_id as identifier,
        customer_id,
        archived_at,
        0 as preference
    from customers
    union all
    select
        environment_type,
        element as identifier,
        customer_id,
        archived_at,
        1 as preference
    from aliases
),

-- an alias can move from an archived customer to its successor
ranked as (
    select
        *,
        row_number() over (
            partition by environment_type, identifier
            order by preference asc, archived_at desc nulls first, customer_id asc
        ) as choice
    from identifiers
)

select
    environment_type,
    identifier,
    customer_id
from ranked
where choice = 1
