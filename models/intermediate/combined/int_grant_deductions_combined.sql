-- One row per final deduction from a credit grant, reversals included, in the source pricing unit of the grant. The
-- amount is the change of the grant's balance: below zero for a deduction, above zero for a reversal.
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

-- A reversal never exceeds the deduction that it reverses. If the sums of all grants of a source are above zero, the
-- source states deductions above zero, as one example in Metronome's documentation does.
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
