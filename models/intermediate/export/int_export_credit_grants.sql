-- One row per credit grant of the export that is not voided at the as-of instant. The export does not state the balance
-- of a grant. It is computed: the grant minus its final deductions by the as-of instant, minus the pending deductions
-- of drafts.
with

grants as (
    select * from {{ ref('stg_metronome_export__credit_grants') }}
    where voided_at is null or voided_at > {{ as_of() }}
),

mentioned_units as (
    select
        pricing_unit_id,
        source_pricing_unit
    from {{ ref('stg_metronome_export__pricing_units') }}
    union
    select
        pricing_unit_id,
        source_pricing_unit
    from {{ ref('stg_metronome_export__invoices') }}
),

units as (
    select
        pricing_unit_id,
        min(source_pricing_unit) as source_pricing_unit
    from mentioned_units
    group by pricing_unit_id
),

deducted as (
    select
        credit_grant_id,
        -{{ sum_source_amounts('amount') }} as amount
    from {{ ref('int_grant_deductions_combined') }}
    where source = 'export' and effective_at <= {{ as_of() }}
    group by credit_grant_id
),

pending as (
    select
        credit_grant_id,
        -{{ sum_source_amounts('total') }} as amount
    from {{ ref('int_export_draft_grant_lines') }}
    group by credit_grant_id
)

select
    grants.credit_grant_id,
    grants.customer_id,
    grants.credit_grant_name,
    units.source_pricing_unit,
    grants.granted,
    {{ as_source_amount('grants.granted') }} - coalesce(deducted.amount, 0) as balance_excluding_pending,
    {{ as_source_amount('grants.granted') }} - coalesce(deducted.amount, 0) - coalesce(pending.amount, 0)
        as balance_including_pending,
    grants.effective_at,
    grants.expires_at
from grants
left join units on grants.granted_pricing_unit_id = units.pricing_unit_id
left join deducted on grants.credit_grant_id = deducted.credit_grant_id
left join pending on grants.credit_grant_id = pending.credit_grant_id
