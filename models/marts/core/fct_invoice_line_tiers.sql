-- One row per price tier that the quantity of an invoice line falls in.
with

lines as (
    select
        invoice_line_id,
        source_pricing_unit,
        tiers
    from {{ ref('int_invoice_lines_combined') }}
    where tiers is not null
),

tiers as (
    {{ unnest_json_objects('lines', 'tiers') }}
),

read as (
    select
        invoice_line_id,
        source_pricing_unit,
        element_number as tier_number,
        {{ text_to_quantity(json_text('element', 'starting_at')) }} as starting_quantity,
        {{ text_to_quantity(json_text('element', 'quantity')) }} as quantity,
        {{ text_to_quantity(json_text('element', 'price')) }} as price,
        {{ text_to_quantity(json_text('element', 'subtotal')) }} as subtotal
    from tiers
)

select
    read.invoice_line_id,
    cast(read.tier_number as integer) as tier_number,
    invoice_lines.invoice_id,
    invoice_lines.environment_type,
    invoice_lines.customer_id,
    read.starting_quantity,
    read.quantity,
    {{ major_amount('read.price', 'read.source_pricing_unit') }} as unit_price,
    {{ major_amount('read.subtotal', 'read.source_pricing_unit') }} as amount,
    invoice_lines.pricing_unit
from read
inner join {{ ref('fct_invoice_lines') }} as invoice_lines
    on read.invoice_line_id = invoice_lines.invoice_line_id
