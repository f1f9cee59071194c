-- One row per line of an invoice of the export; of a draft, as the snapshot has it that the invoice was
-- taken from.
with

invoices as (
    select * from {{ ref('int_export_invoices') }}
),

final_lines as (
    select * from {{ ref('stg_metronome_export__line_items') }}
),

draft_lines as (
    select draft_line_items.*
    from {{ ref('stg_metronome_export__draft_line_items') }} as draft_line_items
    inner join invoices
        on
            draft_line_items.invoice_id = invoices.invoice_id
            and draft_line_items.snapshot_at = invoices.snapshot_at
)

select
    line_item_id,
    invoice_id,
    product_id,
    credit_grant_id,
    commit_id,
    subscription_id,
    line_name,
    stated_unit,
    quantity,
    unit_price,
    total,
    metadata,
    starting_at,
    ending_before
from final_lines
union all
select
    line_item_id,
    invoice_id,
    product_id,
    credit_grant_id,
    commit_id,
    subscription_id,
    line_name,
    stated_unit,
    quantity,
    unit_price,
    total,
    metadata,
    starting_at,
    ending_before
from draft_lines
