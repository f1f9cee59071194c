-- One row per line of an open invoice and day that a snapshot shows.
with

drafts as (
    select * from {{ ref('int_draft_invoices_daily') }}
),

draft_lines as (
    select * from {{ ref('stg_metronome_export__draft_line_items') }}
),

invoice_lines as (
    select * from {{ ref('int_invoice_lines_united') }}
),

balances as (
    select * from {{ ref('stg_metronome_export__balances') }}
),

fixed_products as (
    select distinct product_id
    from {{ ref('stg_metronome_export__product_versions') }}
    where upper(product_type) = 'FIXED'
),

line_types as (
    select * from {{ ref('int_export_line_types') }}
),

valued as (
    select
        drafts.snapshot_date,
        draft_lines.line_item_id,
        draft_lines.invoice_id,
        draft_lines.product_id,
        draft_lines.credit_grant_id,
        draft_lines.commit_id,
        draft_lines.subscription_id,
        draft_lines.total,
        draft_lines.metadata,
        drafts.period_start_at,
        drafts.pricing_unit as invoice_unit,
        {{ pricing_unit('draft_lines.stated_unit') }} as pricing_unit,
        {{ major_amount('draft_lines.total', 'draft_lines.stated_unit') }} as amount
    from draft_lines
    inner join drafts
        on
            draft_lines.invoice_id = drafts.invoice_id
            and draft_lines.snapshot_at = drafts.snapshot_at
),

-- such invoices have a line that puts what is due in the other unit into their own
mixed_invoices as (
    select distinct
        snapshot_date,
        invoice_id
    from valued
    where pricing_unit <> invoice_unit
),

joined as (
    select
        valued.*,
        line_types.line_type,
        coalesce(
            balances.balance_type,
            case {{ json_text('valued.metadata', 'commit_type') }} when 'PostpaidCommit' then 'POSTPAID' end,
            ''
        ) = 'POSTPAID' as is_of_postpaid_commit,
        mixed_invoices.invoice_id is not null as is_of_mixed_invoice,
        fixed_products.product_id is not null or valued.period_start_at is null as is_scheduled
    from valued
    left join line_types on valued.line_item_id = line_types.line_item_id
    left join balances on valued.commit_id = balances.balance_id
    left join fixed_products on valued.product_id = fixed_products.product_id
    left join mixed_invoices
        on
            valued.snapshot_date = mixed_invoices.snapshot_date
            and valued.invoice_id = mixed_invoices.invoice_id
),

kinds as (
    select
        *,
        {{ export_line_kind() }} as line_kind
    from joined
)

select
    snapshot_date,
    invoice_id,
    line_kind,
    product_id,
    commit_id as balance_id,
    pricing_unit,
    amount,
    pricing_unit = invoice_unit
    and not (line_kind = 'applied_commit_or_credit' and is_of_postpaid_commit) as is_in_invoice_total
from kinds
union all
select
    drafts.snapshot_date,
    invoice_lines.invoice_id,
    invoice_lines.line_kind,
    invoice_lines.product_id,
    invoice_lines.balance_id,
    invoice_lines.pricing_unit,
    invoice_lines.amount,
    invoice_lines.is_in_invoice_total
from invoice_lines
inner join drafts on invoice_lines.invoice_id = drafts.invoice_id
where drafts.snapshot_at is null  -- of the API
