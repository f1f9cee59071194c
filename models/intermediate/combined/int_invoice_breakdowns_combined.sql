-- One row per day of an invoice. The days come from the source of the invoice if that source has days of it, otherwise
-- from the other source.
with

days as (
    select
        'api' as source,
        invoice_id,
        source_pricing_unit,
        total,
        breakdown_start_at,
        breakdown_end_at
    from {{ ref('stg_metronome_api__invoice_breakdowns_daily') }}
    union all
    select
        'export' as source,
        invoice_id,
        source_pricing_unit,
        total,
        breakdown_start_at,
        breakdown_end_at
    from {{ ref('int_export_invoice_breakdowns') }}
),

invoices as (
    select * from {{ ref('int_invoices_combined') }}
),

ranked as (
    select
        days.*,
        rank() over (
            partition by days.invoice_id
            order by case when days.source = invoices.source then 1 else 2 end
        ) as choice
    from days
    inner join invoices on days.invoice_id = invoices.invoice_id
)

select
    source,
    invoice_id,
    source_pricing_unit,
    total,
    breakdown_start_at,
    breakdown_end_at
from ranked
where choice = 1
