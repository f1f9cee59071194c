-- One row per line of an invoice of the export, with its kind. The lines' own table does not say it; their
-- breakdowns do, and where there are none, what the line names decides.
with

lines as {{ not_materialized() }} (
    select * from {{ ref('int_export_invoice_lines') }}
),

invoices as (
    select * from {{ ref('int_export_invoices') }}
),

balances as (
    select * from {{ ref('stg_metronome_export__balances') }}
),

line_types as (
    select * from {{ ref('int_export_line_types') }}
),

-- such invoices have a line that puts what is due in the other unit into their own
mixed_invoices as (
    select distinct lines.invoice_id
    from lines
    inner join invoices on lines.invoice_id = invoices.invoice_id
    where lines.stated_unit <> invoices.stated_unit
),

fixed_products as (
    select distinct product_id
    from {{ ref('stg_metronome_export__product_versions') }}
    where upper(product_type) = 'FIXED'
),

joined as (
    select
        lines.*,
        line_types.line_type,
        coalesce(
            balances.balance_type,
            case {{ json_text('lines.metadata', 'commit_type') }} when 'PostpaidCommit' then 'POSTPAID' end,
            ''
        ) = 'POSTPAID' as is_of_postpaid_commit,
        mixed_invoices.invoice_id is not null as is_of_mixed_invoice,
        fixed_products.product_id is not null or invoices.period_start_at is null as is_scheduled
    from lines
    left join invoices on lines.invoice_id = invoices.invoice_id
    left join line_types on lines.line_item_id = line_types.line_item_id
    left join balances on lines.commit_id = balances.balance_id
    left join mixed_invoices on lines.invoice_id = mixed_invoices.invoice_id
    left join fixed_products on lines.product_id = fixed_products.product_id
),

classified as (
    select
        *,
        {{ export_line_kind() }} as line_kind
    from joined
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
    starting_at,
    ending_before,
    line_kind,
    line_kind = 'applied_commit_or_credit' and is_of_postpaid_commit as is_postpaid_application
from classified
