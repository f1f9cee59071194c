-- Fails for each product on an invoice line that the export does not list. Products of plans and of contracts are in
-- two tables, so a relationships test, which has one parent, does not fit. If a table has no products, it was not
-- loaded, and its lines are not checked.
with

lines as (
    select
        lines.line_item_id,
        lines.product_id,
        invoices.plan_id is not null as is_of_plan
    from {{ ref('stg_metronome_export__line_items') }} as lines
    inner join {{ ref('stg_metronome_export__invoices') }} as invoices
        on lines.invoice_id = invoices.invoice_id
    where lines.product_id is not null
),

known_products as (
    select
        true as is_of_plan,
        product_id
    from {{ ref('stg_metronome_export__products') }}
    union
    select
        false as is_of_plan,
        product_id
    from {{ ref('stg_metronome_export__product_versions') }}
)

select
    lines.line_item_id,
    lines.product_id
from lines
left join known_products
    on
        lines.product_id = known_products.product_id
        and lines.is_of_plan = known_products.is_of_plan
where
    known_products.product_id is null
    and lines.is_of_plan in (select loaded.is_of_plan from known_products as loaded)
