-- One row per invoice that is outstanding at the as-of instant.
select
    invoice_id,
    environment_type,
    customer_id,
    pricing_unit,
    total_amount as outstanding_amount,
    issued_at,
    due_at,
    case
        when due_at is null then 'no due date'
        when due_at >= {{ as_of() }} then 'not due'
        when {{ dbt.dateadd('day', 30, 'due_at') }} >= {{ as_of() }} then '1-30 days'
        when {{ dbt.dateadd('day', 60, 'due_at') }} >= {{ as_of() }} then '31-60 days'
        when {{ dbt.dateadd('day', 90, 'due_at') }} >= {{ as_of() }} then '61-90 days'
        else 'over 90 days'
    end as ageing_bucket
from {{ ref('fct_invoices') }}
where is_outstanding
