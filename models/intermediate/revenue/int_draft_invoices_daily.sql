-- One row per open invoice and day with a drafts snapshot, with its total on that day. If the export has no
-- snapshots, the drafts of the API are the snapshot of the as-of day.
with

drafts as (
    select * from {{ ref('stg_metronome_export__draft_invoices') }}
    where snapshot_at <= {{ as_of() }}
),

invoices as (
    select * from {{ ref('int_invoices_classified') }}
),

-- one per day, the latest
snapshots as (
    select
        environment_type,
        cast(snapshot_at as date) as snapshot_date,
        max(snapshot_at) as snapshot_at
    from drafts
    group by environment_type, cast(snapshot_at as date)
),

from_export as (
    select
        snapshots.snapshot_date,
        drafts.snapshot_at,
        drafts.invoice_id,
        drafts.environment_type,
        drafts.customer_id,
        drafts.contract_id,
        coalesce(invoices.plan_id, drafts.plan_id) as plan_id,
        drafts.period_start_at,
        coalesce(drafts.billable_status = 'UNBILLABLE', false) as is_unbillable,
        {{ pricing_unit('drafts.source_pricing_unit') }} as pricing_unit,
        {{ major_amount('drafts.total', 'drafts.source_pricing_unit') }} as total_amount
    from drafts
    inner join snapshots
        on
            drafts.environment_type is not distinct from snapshots.environment_type
            and drafts.snapshot_at = snapshots.snapshot_at
    left join invoices on drafts.invoice_id = invoices.invoice_id
    where
        drafts.total is not null  -- DRAFT_INCOMPLETE: not computed yet
        and not coalesce(invoices.is_constituent, false)
        -- a snapshot can hold an invoice that was finalized before it
        and not coalesce(invoices.invoice_status <> 'DRAFT' and invoices.issued_at <= drafts.snapshot_at, false)
),

from_api as (
    select
        {{ as_of_date() }} as snapshot_date,
        cast(null as {{ instant_type() }}) as snapshot_at,
        invoice_id,
        environment_type,
        customer_id,
        contract_id,
        plan_id,
        period_start_at,
        is_unbillable,
        pricing_unit,
        total_amount
    from invoices
    where
        invoice_status = 'DRAFT'
        and is_included_in_totals
        and not exists (select 1 from {{ ref('stg_metronome_export__draft_invoices') }})
)

select * from from_export
union all
select * from from_api
