-- One row per customer: which of its facts a source was asked for and gave. The API says it for each
-- customer; the export carries all of a table or none, so a file of it is enough, even an empty one.
with

customers as (
    select * from {{ ref('int_customers_united') }}
),

api_facts as (
    select * from {{ ref('int_api_facts_known') }}
),

exported as (
    select
        coalesce({{ any_true("table_name = 'invoice'") }}, false) as has_invoices,
        coalesce({{ any_true("table_name = 'contracts_contracts'") }}, false) as has_contracts,
        coalesce({{ any_true("table_name = 'contracts_balances'") }}, false) as has_balances,
        coalesce({{ any_true("table_name = 'credit_grant'") }}, false) as has_grants,
        coalesce({{ any_true("table_name = 'credit_grant_deduction'") }}, false) as has_deductions,
        coalesce({{ any_true("table_name = 'alert'") }}, false) as has_alerts,
        coalesce({{ any_true("table_name = 'customer_alert_history'") }}, false) as has_alert_changes,
        coalesce({{ any_true("table_name = 'breakdowns_line_items'") }}, false) as has_days,
        coalesce({{ any_true("table_name = 'breakdowns_draft_line_items'") }}, false) as has_draft_days
    from {{ ref('stg_metronome_export__loaded_files') }}
)

select
    customers.customer_id,
    coalesce(api_facts.are_invoices_known, false)
    or (customers.is_in_export and exported.has_invoices) as are_invoices_known,
    coalesce(api_facts.are_contracts_known, false)
    or (customers.is_in_export and exported.has_contracts) as are_contracts_known,
    coalesce(api_facts.are_customer_plans_known, false) as are_customer_plans_known,
    coalesce(api_facts.are_balances_known, false)
    or (customers.is_in_export and exported.has_balances) as are_balances_known,
    coalesce(api_facts.are_credit_grants_known, false)
    or (customers.is_in_export and exported.has_grants and exported.has_deductions) as are_credit_grants_known,
    coalesce(api_facts.are_alerts_known, false)
    or (customers.is_in_export and exported.has_alerts and exported.has_alert_changes) as are_alerts_known,
    coalesce(api_facts.are_daily_breakdowns_known, false)
    or (customers.is_in_export and exported.has_days and exported.has_draft_days) as are_daily_breakdowns_known
from customers
cross join exported
left join api_facts on customers.customer_id = api_facts.customer_id
