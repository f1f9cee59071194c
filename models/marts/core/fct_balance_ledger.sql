-- One row per ledger entry of a commit, a credit or the credit grants of a customer.
with

entries as (
    select * from {{ ref('int_balance_ledger_entries_dated') }}
    union all
    select * from {{ ref('int_credit_ledger_entries_dated') }}
    union all
    select * from {{ ref('int_export_grant_entries_dated') }}
),

balances as (
    select * from {{ ref('int_balances_valued') }}
),

customers as (
    select * from {{ ref('int_customers_combined') }}
)

select
    entries.ledger_entry_id,
    entries.ledger_id,
    entries.balance_id,
    coalesce(balances.balance_type, 'CREDIT_GRANT') as balance_type,  -- a voided grant is in no list
    balances.balance_name,
    customers.environment_type,
    entries.customer_id,
    balances.contract_id,
    entries.segment_id,
    entries.invoice_id,
    entries.entry_type,
    entries.reason,
    {{ pricing_unit('entries.source_pricing_unit') }} as pricing_unit,
    {{ major_amount('entries.amount', 'entries.source_pricing_unit') }} as amount,
    {{ major_amount('entries.running_balance', 'entries.source_pricing_unit') }} as running_balance_amount,
    entries.effective_at,
    entries.is_expiry,
    entries.is_pending,
    coalesce(entries.is_usable, false) as is_usable
from entries
left join balances on entries.balance_id = balances.balance_id
left join customers on entries.customer_id = customers.customer_id
