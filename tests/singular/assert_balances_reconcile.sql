-- Fails for each commit, credit or grant whose stated balance is not what its ledger or its deductions add
-- up to. It warns: the API states balances for the moment it was read.
{{ config(severity='warn') }}

select
    balance_id,
    balance_amount,
    ledger_amount,
    difference_amount
from {{ ref('fct_reconciliation_balances') }}
where outcome = 'different'
