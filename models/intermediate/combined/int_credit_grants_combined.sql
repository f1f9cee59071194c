-- One row per credit grant of either source. The API, which is live, takes precedence. The export does not state
-- a grant's balance: it is what was granted, less the final deductions by the as-of instant, and less what
-- the drafts take off, which is pending.
with

from_api as (
    select * from {{ ref('stg_metronome_api__credit_grants') }}
),

-- a voided grant is in no list of the API either
from_export as (
    select grants.*
    from {{ ref('stg_metronome_export__credit_grants') }} as grants
    left join from_api on grants.credit_grant_id = from_api.credit_grant_id
    where
        from_api.credit_grant_id is null
        and (grants.voided_at is null or grants.voided_at > {{ as_of() }})
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
    'api' as source,
    credit_grant_id,
    customer_id,
    credit_grant_name,
    source_pricing_unit,
    granted,
    balance_excluding_pending,
    balance_including_pending,
    effective_at,
    expires_at
from from_api
union all
select
    'export' as source,
    from_export.credit_grant_id,
    from_export.customer_id,
    from_export.credit_grant_name,
    units.source_pricing_unit,
    from_export.granted,
    {{ as_source_amount('from_export.granted') }} - coalesce(deducted.amount, 0) as balance_excluding_pending,
    {{ as_source_amount('from_export.granted') }} - coalesce(deducted.amount, 0) - coalesce(pending.amount, 0)
        as balance_including_pending,
    from_export.effective_at,
    from_export.expires_at
from from_export
left join units on from_export.granted_pricing_unit_id = units.pricing_unit_id
left join deducted on from_export.credit_grant_id = deducted.credit_grant_id
left join pending on from_export.credit_grant_id = pending.credit_grant_id
