-- One row per customer.
select
    customer_id,
    environment_type,
    customer_name,
    salesforce_account_id,
    billable_status,
    billing_provider_type,
    billing_provider_customer_id,
    created_at,
    archived_at,
    is_in_api,
    is_in_export
from {{ ref('int_customers_combined') }}
