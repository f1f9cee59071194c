-- One row per final deduction from a credit grant that a source states, reversals included: what it adds to the
-- grant's balance, in the grant's stated unit. A deduction is below zero, and its reversal above.
with

stated as (
    select
        'api' as source,
        credit_grant_id || ':' || cast(entry_number as string) as deduction_id,
        credit_grant_id,
        invoice_id,
        reason,
        amount,
        effective_at
    from {{ ref('stg_metronome_api__credit_grant_deductions') }}
    union all
    select
        'export' as source,
        deduction_id,
        credit_grant_id,
        invoice_id,
        memo as reason,
        amount,
        effective_at
    from {{ ref('stg_metronome_export__credit_grant_deductions') }}
),

grants as (
    select
        source,
        credit_grant_id,
        {{ sum_source_amounts('amount') }} as amount
    from stated
    group by source, credit_grant_id
),

-- Reversals never outweigh what they reverse. Where they would on every grant of a source, the source states
-- deductions above zero, as an example of the vendor's documents does.
signs as (
    select
        source,
        min(amount) >= 0 and max(amount) > 0 as is_turned
    from grants
    group by source
)

select
    stated.source,
    stated.deduction_id,
    stated.credit_grant_id,
    stated.invoice_id,
    stated.reason,
    stated.amount as source_amount,
    case when signs.is_turned then -stated.amount else stated.amount end as amount,
    stated.effective_at
from stated
inner join signs on stated.source = signs.source
