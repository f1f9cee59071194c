-- One row per day of an export invoice. The days of a draft come from the snapshot of the draft. Hourly breakdowns,
-- which some accounts have, repeat the same amounts and are excluded.
with

days as (
    select
        invoice_breakdown_id,
        invoice_id,
        source_pricing_unit,
        total,
        window_size,
        breakdown_start_at,
        breakdown_end_at,
        cast(null as {{ instant_type() }}) as snapshot_at
    from {{ ref('stg_metronome_export__invoice_breakdowns') }}
    union all
    select
        invoice_breakdown_id,
        invoice_id,
        source_pricing_unit,
        total,
        window_size,
        breakdown_start_at,
        breakdown_end_at,
        snapshot_at
    from {{ ref('stg_metronome_export__draft_invoice_breakdowns') }}
)

select
    days.invoice_breakdown_id,
    days.invoice_id,
    days.source_pricing_unit,
    days.total,
    days.breakdown_start_at,
    days.breakdown_end_at,
    days.snapshot_at
from days
inner join {{ ref('int_export_invoices') }} as invoices
    on
        days.invoice_id = invoices.invoice_id
        and days.snapshot_at is not distinct from invoices.snapshot_at
where coalesce(days.window_size, '') not like 'HOUR%'
