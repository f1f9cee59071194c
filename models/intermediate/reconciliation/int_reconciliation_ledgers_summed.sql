-- One row per commit, credit or credit grant that is usable at the as-of instant, in the source pricing unit, with
-- its stated balance, the sum of its ledger, and whether they are equal. For a credit grant, the sum is the grant minus
-- its deductions.

with

entries as (
    select
        balance_id,
        {{ sum_source_amounts('case when is_usable then amount else 0 end') }} as amount
    from {{ ref('int_balance_ledger_entries_dated') }}
    group by balance_id
),

commits_and_credits as (
    select
        valued.balance_id,
        valued.balance_type,
        valued.customer_id,
        valued.source_pricing_unit,
        valued.balance,
        -- deductions can exceed the balance: the excess is overage, not a balance below zero
        case when entries.amount < 0 then 0 else entries.amount end as ledger_balance
    from {{ ref('int_commits_and_credits_valued') }} as valued
    left join entries on valued.balance_id = entries.balance_id
    where valued.next_expiry_at is not null
),

deductions as (
    select
        credit_grant_id,
        -{{ sum_source_amounts('amount') }} as amount
    from {{ ref('int_grant_deductions_combined') }}
    where source = 'api' and effective_at <= {{ as_of() }}
    group by credit_grant_id
),

-- the export does not state the balance of a grant
grants as (
    select
        valued.balance_id,
        valued.balance_type,
        valued.customer_id,
        valued.source_pricing_unit,
        valued.balance_excluding_pending as balance,
        {{ as_source_amount('valued.granted') }} - coalesce(deductions.amount, 0) as ledger_balance
    from {{ ref('int_credit_grants_valued') }} as valued
    inner join {{ ref('stg_metronome_api__credit_grants') }} as stated on valued.balance_id = stated.credit_grant_id
    left join deductions on valued.balance_id = deductions.credit_grant_id
    where valued.next_expiry_at is not null
),

summed as (
    select * from commits_and_credits
    union all
    select * from grants
)

select
    *,
    {{ equal_amounts('balance', 'ledger_balance') }} as is_equal
from summed
