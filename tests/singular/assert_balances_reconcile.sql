-- Fails for each usable commit, credit or credit grant whose stated balance is not the sum of its ledger or of its
-- deductions. Severity is warn because the API states balances as of the moment it was read.
{{ config(severity='warn') }}

select
    balance_id,
    balance_amount,
    ledger_amount,
    difference_amount
from {{ ref('fct_reconciliation_balances') }}
where outcome = 'different'
