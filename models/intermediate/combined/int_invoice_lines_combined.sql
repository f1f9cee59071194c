-- One row per line of an invoice, at the finest level, from the source of the invoice. A line without a unit price gets
-- the price that its quantity and total determine.
with

invoices as (
    select * from {{ ref('int_invoices_combined') }}
),

api_lines as (
    select * from {{ ref('int_api_invoice_lines_split') }}
),

export_lines as (
    select * from {{ ref('int_export_invoice_lines_split') }}
),

both_sources as (
    select
        'api' as source,
        invoice_line_id,
        invoice_id,
        line_kind,
        product_id,
        line_name,
        description,
        charge_id,
        cast(null as string) as billable_metric_id,
        balance_id,
        credit_grant_id,
        source_pricing_unit,
        quantity,
        unit_price,
        total,
        tiers,
        is_postpaid_application,
        starting_at,
        ending_before
    from api_lines
    union all
    select
        'export' as source,
        invoice_line_id,
        invoice_id,
        line_kind,
        product_id,
        line_name,
        description,
        charge_id,
        billable_metric_id,
        balance_id,
        credit_grant_id,
        source_pricing_unit,
        quantity,
        unit_price,
        total,
        tiers,
        is_postpaid_application,
        starting_at,
        ending_before
    from export_lines
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
