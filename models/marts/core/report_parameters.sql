{{ config(post_hook="{{ check_arguments() }}") }}
-- One row: the arguments of this run, with defaults filled in.
with

customers as (
    select * from {{ ref('dim_customers') }}
),

-- the run may have loaded only one of these
known_environments as (
    select environment_type from customers
    union
    select environment_type from {{ ref('stg_metronome_export__invoices') }}
    union
    select environment_type from {{ ref('stg_metronome_export__events') }}
),

environments as (
    select
        coalesce(
            nullif('{{ environment() }}', ''),
            max(case when environment_type = 'PRODUCTION' then environment_type end),
            max(environment_type)
        ) as environment_type
    from known_environments
),

named_customers as (
    select
        customers.customer_id,
        case
            when customers.customer_id = {{ customer() }} then 1
            when customers.customer_name = {{ customer() }} then 2
            when {{ value_key('customers.customer_name') }} = {{ value_key(customer()) }} then 3
        end as preference
    from customers
    inner join environments
        on customers.environment_type is not distinct from environments.environment_type
),

-- match by id, then by exact name, then by name in any letter case and with look-alike characters
best_customers as (
    select
        customer_id,
        rank() over (order by preference) as choice
    from named_customers
    where preference is not null
),

matching_customers as (
    select
        count(*) as matches,
        min(customer_id) as customer_id
    from best_customers
    where choice = 1
)

select
    {{ as_of() }} as as_of,
    '{{ billing_month() }}' as billing_month,
    cast('{{ usage_from() }}' as date) as usage_from_date,
    cast('{{ usage_to() }}' as date) as usage_to_date,
    environments.environment_type,
    {{ customer() }} as customer,
    case when matching_customers.matches = 1 then matching_customers.customer_id end as customer_id,
    cast(matching_customers.matches as integer) as matching_customers
from environments
cross join matching_customers
