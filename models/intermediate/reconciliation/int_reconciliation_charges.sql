-- One row per charge for metered usage on a finalized invoice of the export. A charge is a sub line of a plan, or the
-- lines of a contract for one product and period.
with

invoices as {{ not_materialized() }} (
    select * from {{ ref('stg_metronome_export__invoices') }}
    where invoice_status = 'FINALIZED'
),

lines as (
    select * from {{ ref('stg_metronome_export__line_items') }}
),

sub_lines as (
    select * from {{ ref('stg_metronome_export__sub_line_items') }}
    where billable_metric_id is not null
),

-- for example a charge per dozen or per thousand
converted_charges as (
    select distinct charge_id
    from {{ ref('stg_metronome_api__plan_charges') }}
    where units_per_billed_unit <> 1
),

product_versions as (
    select
        product_id,
        billable_metric_id,
        quantity_conversion is not null or quantity_rounding is not null as is_quantity_converted,
        starting_at
    from {{ ref('stg_metronome_export__product_versions') }}
),

usage_lines as (
    select
        lines.line_item_id,
        lines.invoice_id,
        lines.product_id,
        lines.line_name,
        lines.quantity,
        invoices.environment_type,
        invoices.customer_id,
        coalesce(lines.starting_at, invoices.period_start_at) as period_start_at,
        coalesce(lines.ending_before, invoices.period_end_at) as period_end_at
    from lines
    inner join invoices on lines.invoice_id = invoices.invoice_id
    where
        invoices.contract_id is not null
        and invoices.period_start_at is not null
        -- a line that applies a commit or credit has the product of the charge, but no quantity
        and lines.quantity is not null
),

-- a version lasts until the next one starts
versioned as (
    select
        usage_lines.*,
        product_versions.billable_metric_id,
        product_versions.is_quantity_converted,
        row_number() over (
            partition by usage_lines.line_item_id
            order by product_versions.starting_at desc nulls last
        ) as recency
    from usage_lines
    inner join product_versions
        on
            usage_lines.product_id = product_versions.product_id
            and coalesce(usage_lines.period_start_at >= product_versions.starting_at, true)
),

of_plans as (
    select
        sub_lines.sub_line_item_id as charge_id,
        lines.invoice_id,
        invoices.environment_type,
        invoices.customer_id,
        sub_lines.sub_line_name as charge_name,
        sub_lines.billable_metric_id,
        invoices.period_start_at,
        invoices.period_end_at,
        sub_lines.quantity,
        converted_charges.charge_id is not null as is_quantity_converted
    from sub_lines
    inner join lines on sub_lines.line_item_id = lines.line_item_id
    inner join invoices on lines.invoice_id = invoices.invoice_id
    left join converted_charges on sub_lines.charge_id = converted_charges.charge_id
),

-- usage of a product in one period can have several lines, such as one per pricing group
of_contracts as (
    select
        min(line_item_id) as charge_id,
        invoice_id,
        environment_type,
        customer_id,
        min(line_name) as charge_name,
        billable_metric_id,
        period_start_at,
        period_end_at,
        {{ sum_quantities('quantity') }} as quantity,
        is_quantity_converted
    from versioned
    where recency = 1 and billable_metric_id is not null
    group by
        invoice_id, environment_type, customer_id, product_id, billable_metric_id, period_start_at,
        period_end_at, is_quantity_converted
)

select * from of_plans
union all
select * from of_contracts
