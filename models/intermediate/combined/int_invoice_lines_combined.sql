-- One row per line of an invoice at the finest level, from the source of the invoice. It is a sub line if the line
-- has any, otherwise the line itself, or an adjustment.
with

invoices as (
    select * from {{ ref('int_invoices_combined') }}
),

api_lines as (
    select * from {{ ref('stg_metronome_api__invoice_line_items') }}
),

api_sub_lines as (
    select * from {{ ref('stg_metronome_api__invoice_sub_line_items') }}
),

api_adjustments as (
    select * from {{ ref('stg_metronome_api__invoice_adjustments') }}
),

export_lines as (
    select * from {{ ref('int_export_invoice_lines') }}
),

export_sub_lines as (
    select * from {{ ref('stg_metronome_export__sub_line_items') }}
),

from_api as (
    select
        'api' as source,
        api_lines.invoice_id,
        api_lines.invoice_id
        || ':' || cast(api_lines.line_number as string)
        || coalesce('.' || cast(api_sub_lines.sub_line_number as string), '') as invoice_line_id,
        -- a sub line with a grant applies the grant, or buys it if it is above zero, and is then a charge
        case
            when api_sub_lines.credit_grant_id is not null and api_sub_lines.subtotal < 0
                then 'applied_commit_or_credit'
            else {{ line_kind('api_lines.line_type') }}
        end as line_kind,
        api_lines.product_id,
        api_lines.line_name,
        coalesce(api_sub_lines.sub_line_name, api_lines.line_name) as description,
        api_sub_lines.charge_id,
        cast(null as string) as billable_metric_id,
        coalesce(api_lines.applied_balance_id, api_lines.commit_id) as balance_id,
        api_sub_lines.credit_grant_id,
        api_lines.source_pricing_unit,
        coalesce(api_sub_lines.quantity, api_lines.quantity) as quantity,
        case when api_sub_lines.invoice_id is null then api_lines.unit_price else api_sub_lines.unit_price end
            as unit_price,
        coalesce(api_sub_lines.subtotal, api_lines.total) as total,
        api_sub_lines.tiers,
        coalesce(api_lines.applied_balance_type = 'POSTPAID', false) as is_postpaid_application,
        coalesce(api_sub_lines.starting_at, api_lines.starting_at) as starting_at,
        coalesce(api_sub_lines.ending_before, api_lines.ending_before) as ending_before
    from api_lines
    left join api_sub_lines
        on
            api_lines.invoice_id = api_sub_lines.invoice_id
            and api_lines.line_number = api_sub_lines.line_number
),

from_api_adjustments as (
    select
        'api' as source,
        invoice_id,
        invoice_id || ':adjustment ' || cast(adjustment_number as string) as invoice_line_id,
        case when credit_grant_id is null then 'adjustment' else 'applied_commit_or_credit' end as line_kind,
        cast(null as string) as product_id,
        adjustment_name as line_name,
        adjustment_name as description,
        cast(null as string) as charge_id,
        cast(null as string) as billable_metric_id,
        cast(null as string) as balance_id,
        credit_grant_id,
        source_pricing_unit,
        1 as quantity,  -- as in the export
        total as unit_price,
        total,
        null as tiers,
        false as is_postpaid_application,
        cast(null as {{ instant_type() }}) as starting_at,
        cast(null as {{ instant_type() }}) as ending_before
    from api_adjustments
),

from_export as (
    select
        'export' as source,
        export_lines.invoice_id,
        coalesce(export_sub_lines.sub_line_item_id, export_lines.line_item_id) as invoice_line_id,
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

both_sources as (
    select * from from_api
    union all
    select * from from_api_adjustments
    union all
    select * from from_export
),

roughly_priced as (
    select
        *,
        case when unit_price is null then {{ rough_unit_price('total', 'quantity') }} end as rough_price,
        case when unit_price is null then {{ short_quantity('quantity') }} end as short_quantity
    from both_sources
),

-- the export does not state unit prices; a charge in tiers has no single price
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
