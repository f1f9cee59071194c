-- Fails for each product on an invoice of a plan that the export's products lack. Products of contracts
-- are not in that table, so a plain relationship test would fail on them. No product at all is a table
-- that was not loaded.
select
    lines.line_item_id,
    lines.product_id
from {{ ref('stg_metronome_export__line_items') }} as lines
inner join {{ ref('stg_metronome_export__invoices') }} as invoices
    on lines.invoice_id = invoices.invoice_id
left join {{ ref('stg_metronome_export__products') }} as products
    on lines.product_id = products.product_id
where
    invoices.plan_id is not null
    and lines.product_id is not null
    and products.product_id is null
    and exists (select 1 from {{ ref('stg_metronome_export__products') }})
