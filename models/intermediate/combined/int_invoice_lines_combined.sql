-- One row per line of an invoice, at the finest level, from the source of the invoice: amounts in the pricing unit, and
-- the unit price that the export does not state.
with

invoices as (
    select * from {{ ref('int_invoices_combined') }}
),

api_lines as (
    select * from {{ ref('int_api_invoice_lines_split') }}
),

export_lines as (
    select * from {{ ref('int_export_invoice_lines') }}
),

export_sub_lines as (
    select * from {{ ref('stg_metronome_export__sub_line_items') }}
),

split_export_lines as (
    select
        coalesce(export_sub_lines.sub_line_item_id, export_lines.line_item_id) as invoice_line_id,
        export_lines.invoice_id,
        export_lines.line_kind,
        export_lines.product_id,
        export_lines.line_name,
        coalesce(export_sub_lines.sub_line_name, export_lines.line_name) as description,
        export_sub_lines.charge_id,
        export_sub_lines.billable_metric_id,
        export_lines.commit_id as balance_id,
        export_lines.credit_grant_id,
        export_lines.source_pricing_unit,
        coalesce(export_sub_lines.quantity, export_lines.quantity) as quantity,
        case when export_sub_lines.line_item_id is null then export_lines.unit_price end as unit_price,
        coalesce(export_sub_lines.subtotal, export_lines.total) as total,
        export_sub_lines.tiers,
        export_lines.is_postpaid_application,
        export_lines.starting_at,
        export_lines.ending_before
    from export_lines
    left join export_sub_lines on export_lines.line_item_id = export_sub_lines.line_item_id
),

-- both have the same columns in the same order
both_sources as (
    select
        *,
        'api' as source
    from api_lines
    union all
    select
        *,
        'export' as source
    from split_export_lines
),

roughly_priced as (
    select
        *,
        case when unit_price is null then {{ rough_unit_price('total', 'quantity') }} end as rough_price,
        case when unit_price is null then {{ short_quantity('quantity') }} end as short_quantity
    from both_sources
),

-- a charge in tiers has no single price
priced as (
    select
        *,
        coalesce(
            unit_price,
            case
                when coalesce({{ json_length('tiers') }}, 0) <= 1
                    then {{ exact_unit_price('rough_price', 'short_quantity', 'total') }}
            end
        ) as source_unit_price
    from roughly_priced
)

select
    priced.invoice_line_id,
    priced.invoice_id,
    priced.line_kind,
    priced.product_id,
    priced.line_name,
    priced.description,
    priced.charge_id,
    priced.billable_metric_id,
    priced.balance_id,
    priced.credit_grant_id,
    cast(priced.quantity as decimal(38, 18)) as quantity,
    {{ major_amount('priced.source_unit_price', 'priced.source_pricing_unit') }} as unit_price,
    {{ major_amount('priced.total', 'priced.source_pricing_unit') }} as amount,
    {{ pricing_unit('priced.source_pricing_unit') }} as pricing_unit,
    priced.source_pricing_unit,
    -- the export writes `[{}]` for a charge without tiers
    case when {{ json_text(json_text('priced.tiers', '0'), 'quantity') }} is not null then priced.tiers end as tiers,
    priced.starting_at,
    priced.ending_before,
    -- lines in another unit are in the total through a conversion line; the total does not include the
    -- application of a postpaid commit
    {{ pricing_unit('priced.source_pricing_unit') }} = invoices.pricing_unit
    and not priced.is_postpaid_application as is_in_invoice_total
from priced
inner join invoices
    on
        priced.invoice_id = invoices.invoice_id
        and priced.source = invoices.source
