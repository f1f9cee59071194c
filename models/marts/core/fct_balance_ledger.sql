-- One row per ledger entry of a commit, a credit or the credit grants of a customer.
select
    ledger_entry_id,
    ledger_id,
    balance_id,
    balance_type,
    balance_name,
    environment_type,
    customer_id,
    contract_id,
    segment_id,
    invoice_id,
    entry_type,
    reason,
    pricing_unit,
    amount,
    running_balance_amount,
    effective_at,
    is_expiry,
    is_pending,
    is_usable
from {{ ref('int_balance_ledger_valued') }}
