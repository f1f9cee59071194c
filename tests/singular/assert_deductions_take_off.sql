-- Warns for each credit grant whose deductions add to its balance. Either its source states deductions above zero, or
-- the grant does not fit the others of its source. Also warns for each invoice deduction from a commit or credit that
-- is above zero.
{{ config(severity='warn') }}

select
    source,
    credit_grant_id as balance_id,
    cast(null as string) as invoice_id,
    {{ sum_source_amounts('source_amount') }} as source_amount
from {{ ref('int_grant_deductions_combined') }}
group by source, credit_grant_id
having {{ sum_source_amounts('source_amount') }} > 0
union all
select
    'ledger' as source,
    balance_id,
    invoice_id,
    amount as source_amount
from {{ ref('int_balance_ledger_entries_combined') }}
where entry_type like '%INVOICE_DEDUCTION' and amount > 0
