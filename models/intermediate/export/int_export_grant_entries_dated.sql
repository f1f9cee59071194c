-- One row per ledger entry of a credit grant that only the export has, in the source pricing unit: the grant, its
-- final deductions and its pending deductions. Each grant has a separate running balance.
with

grants as (
    select * from {{ ref('int_credit_grants_combined') }}
    where source = 'export'
),

reasons as (
    select
        credit_grant_id,
        reason
    from {{ ref('stg_metronome_export__credit_grants') }}
),

entries as (
    select
        grants.credit_grant_id || ':granted' as ledger_entry_id,
        grants.credit_grant_id,
        'GRANT_POSTED' as entry_type,
        grants.granted as amount,
        cast(null as string) as invoice_id,
        reasons.reason,
        grants.effective_at
    from grants
    inner join reasons on grants.credit_grant_id = reasons.credit_grant_id
    union all
    select
        deduction_id as ledger_entry_id,
        credit_grant_id,
        'GRANT_POSTED' as entry_type,
        amount,
        invoice_id,
        reason,
        effective_at
    from {{ ref('int_grant_deductions_combined') }}
    where source = 'export'
    union all
    select
        line_item_id as ledger_entry_id,
        credit_grant_id,
        'GRANT_PENDING' as entry_type,
        total as amount,
        invoice_id,
        line_name as reason,
        effective_at
    from {{ ref('int_export_draft_grant_lines') }}
)

select
    entries.ledger_entry_id,
    grants.credit_grant_id as ledger_id,
    grants.credit_grant_id as balance_id,
    grants.customer_id,
    entries.entry_type,
    grants.source_pricing_unit,
    entries.amount,
    {{ sum_source_amounts('entries.amount', over='ledger_so_far') }} as running_balance,
    cast(null as string) as segment_id,
    entries.invoice_id,
    entries.reason,
    entries.effective_at,
    false as is_expiry,  -- the export has no entry for the expiry of a grant
    entries.entry_type = 'GRANT_PENDING' or entries.effective_at > {{ as_of() }} as is_pending,
    grants.effective_at <= {{ as_of() }} and {{ as_of() }} < grants.expires_at as is_usable
from entries
inner join grants on entries.credit_grant_id = grants.credit_grant_id
window
    ledger_so_far as (
        partition by grants.credit_grant_id
        order by
            entries.entry_type desc,
            entries.effective_at asc nulls last,
            entries.amount desc,
            entries.ledger_entry_id asc
        rows between unbounded preceding and current row
    )
