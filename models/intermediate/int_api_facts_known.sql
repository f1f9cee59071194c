{%- set facts = {
    'invoices': 'are_invoices_known',
    'contracts': 'are_contracts_known',
    'customer_plans': 'are_customer_plans_known',
    'balances': 'are_balances_known',
    'credit_grants': 'are_credit_grants_known',
    'customer_alerts': 'are_alerts_known',
    'invoice_breakdowns_daily': 'are_daily_breakdowns_known',
} -%}
-- One row per customer that the API lists: which of its facts the API was asked for and gave. What the
-- token may not read, or no run has asked for yet, is not known.
with

customers as (
    select * from {{ ref('stg_metronome_api__customers') }}
),

reads as (
    select
        resource,
        customer_id,
        case when read_status = 'read' then 1 else 0 end as is_read
    from {{ ref('stg_metronome_api__reads') }}
),

of_account as (
    select
        {%- for resource in facts %}
        max(case when resource = '{{ resource }}' then is_read end) as {{ resource }}{{ ',' if not loop.last }}
        {%- endfor %}
    from reads
    where customer_id is null
),

of_customer as (
    select
        customer_id,
        {%- for resource in facts %}
        max(case when resource = '{{ resource }}' then is_read end) as {{ resource }}{{ ',' if not loop.last }}
        {%- endfor %}
    from reads
    where customer_id is not null
    group by customer_id
)

select
    customers.customer_id,
    {%- for resource, is_known in facts.items() %}
    coalesce(of_customer.{{ resource }}, of_account.{{ resource }}, 0) = 1 as {{ is_known }}{{ ',' if not loop.last }}
    {%- endfor %}
from customers
cross join of_account
left join of_customer on customers.customer_id = of_customer.customer_id
