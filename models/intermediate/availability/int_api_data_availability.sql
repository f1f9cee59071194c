-- One row per customer that the API lists. It states which data the newest read of each resource returned. Data is
-- unknown if the token may not read it or if no run has read it.
with

customers as (
    select * from {{ ref('stg_metronome_api__customers') }}
),

reads as (
    select * from {{ ref('stg_metronome_api__reads') }}
),

reads_of_customers as (
    select
        customers.customer_id,
        reads.resource,
        reads.read_status,
        1 as preference
    from customers
    inner join reads on customers.customer_id = reads.customer_id
    union all
    select
        customers.customer_id,
        reads.resource,
        reads.read_status,
        2 as preference
    from customers
    cross join reads
    where reads.customer_id is null
),

ranked as (
    select
        *,
        row_number() over (partition by customer_id, resource order by preference) as choice
    from reads_of_customers
),

known as (
    select
        customer_id,
        resource
    from ranked
    where choice = 1 and read_status = 'read'
)

select
    customers.customer_id,
    coalesce({{ dbt.bool_or("known.resource = 'invoices'") }}, false) as has_invoices,
    coalesce({{ dbt.bool_or("known.resource = 'contracts'") }}, false) as has_contracts,
    coalesce({{ dbt.bool_or("known.resource = 'customer_plans'") }}, false) as has_customer_plans,
    coalesce({{ dbt.bool_or("known.resource = 'balances'") }}, false) as has_balances,
    coalesce({{ dbt.bool_or("known.resource = 'credit_grants'") }}, false) as has_credit_grants,
    coalesce({{ dbt.bool_or("known.resource = 'customer_alerts'") }}, false) as has_alerts,
    coalesce({{ dbt.bool_or("known.resource = 'invoice_breakdowns_daily'") }}, false) as has_daily_breakdowns
from customers
left join known on customers.customer_id = known.customer_id
group by customers.customer_id
