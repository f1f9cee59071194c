-- One row per ledger entry of a commit, a credit or the credit grants of a customer.
select
    customers.customer_name,
    ledger.balance_name,
    ledger.balance_type,
    ledger.effective_at,
    ledger.entry_type,
    ledger.amount,
    ledger.running_balance_amount as running_balance,
    ledger.pricing_unit,
    ledger.is_pending,
    ledger.is_usable,
    ledger.reason,
    ledger.invoice_id,
    ledger.ledger_entry_id,
    ledger.ledger_id,
    ledger.balance_id,
    ledger.segment_id,
    ledger.contract_id,
    ledger.customer_id,
    ledger.environment_type
from {{ ref('fct_balance_ledger') }} as ledger
inner join {{ ref('report_parameters') }} as arguments
    on ledger.environment_type is not distinct from arguments.environment_type
left join {{ ref('dim_customers') }} as customers on ledger.customer_id = customers.customer_id
