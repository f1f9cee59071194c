-- One row per customer that the API lists: which of its facts the API was asked for and gave. What the
-- token may not read, or no run has asked for yet, is not known.
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
    coalesce({{ any_true("known.resource = 'invoices'") }}, false) as are_invoices_known,
    coalesce({{ any_true("known.resource = 'contracts'") }}, false) as are_contracts_known,
    coalesce({{ any_true("known.resource = 'customer_plans'") }}, false) as are_customer_plans_known,
    coalesce({{ any_true("known.resource = 'balances'") }}, false) as are_balances_known,
    coalesce({{ any_true("known.resource = 'credit_grants'") }}, false) as are_credit_grants_known,
    coalesce({{ any_true("known.resource = 'customer_alerts'") }}, false) as are_alerts_known,
    coalesce({{ any_true("known.resource = 'invoice_breakdowns_daily'") }}, false) as are_daily_breakdowns_known
from customers
left join known on customers.customer_id = known.customer_id
group by customers.customer_id
