-- One row per customer. It states which data at least one source provided. The API is read per customer. A file of
-- the export has the rows of all customers, so one loaded file of a table is enough, even an empty one.
with

customers as (
    select * from {{ ref('int_customers_combined') }}
),

api_availability as (
    select * from {{ ref('int_api_data_availability') }}
),

exported as (
    select
        coalesce({{ dbt.bool_or("table_name = 'invoice'") }}, false) as has_invoices,
        coalesce({{ dbt.bool_or("table_name = 'contracts_contracts'") }}, false) as has_contracts,
        coalesce({{ dbt.bool_or("table_name = 'contracts_balances'") }}, false) as has_balances,
        coalesce({{ dbt.bool_or("table_name = 'credit_grant'") }}, false) as has_grants,
        coalesce({{ dbt.bool_or("table_name = 'credit_grant_deduction'") }}, false) as has_deductions,
        coalesce({{ dbt.bool_or("table_name = 'alert'") }}, false) as has_alerts,
        coalesce({{ dbt.bool_or("table_name = 'customer_alert_history'") }}, false) as has_alert_changes,
        coalesce({{ dbt.bool_or("table_name = 'breakdowns_line_items'") }}, false) as has_days,
        coalesce({{ dbt.bool_or("table_name = 'breakdowns_draft_line_items'") }}, false) as has_draft_days
    from {{ ref('stg_metronome_export__loaded_files') }}
)

select
    customers.customer_id,
    coalesce(api_availability.has_invoices, false)
    or (customers.is_in_export and exported.has_invoices) as has_invoices,
    coalesce(api_availability.has_contracts, false)
    or (customers.is_in_export and exported.has_contracts) as has_contracts,
    coalesce(api_availability.has_customer_plans, false) as has_customer_plans,
    coalesce(api_availability.has_balances, false)
    or (customers.is_in_export and exported.has_balances) as has_balances,
    coalesce(api_availability.has_credit_grants, false)
    or (customers.is_in_export and exported.has_grants and exported.has_deductions) as has_credit_grants,
    coalesce(api_availability.has_alerts, false)
    or (customers.is_in_export and exported.has_alerts and exported.has_alert_changes) as has_alerts,
    coalesce(api_availability.has_daily_breakdowns, false)
    or (customers.is_in_export and exported.has_days and exported.has_draft_days) as has_daily_breakdowns
from customers
cross join exported
left join api_availability on customers.customer_id = api_availability.customer_id
