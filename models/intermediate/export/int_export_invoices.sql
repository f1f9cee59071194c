-- One row per invoice of the export: finalized and void invoices, and drafts of the newest snapshot at or before the
-- as-of instant.
with

final_invoices as (
    select * from {{ ref('stg_metronome_export__invoices') }}
),

drafts as (
    select * from {{ ref('stg_metronome_export__draft_invoices') }}
    where snapshot_at <= {{ as_of() }}
),

newest_snapshots as (
    select
        environment_type,
        max(snapshot_at) as snapshot_at
    from drafts
    group by environment_type
),

-- older snapshots still have a final invoice as a draft
open_invoices as (
    select drafts.*
    from drafts
    inner join newest_snapshots
        on
            drafts.environment_type is not distinct from newest_snapshots.environment_type
            and drafts.snapshot_at = newest_snapshots.snapshot_at
    left join final_invoices on drafts.invoice_id = final_invoices.invoice_id
    where final_invoices.invoice_id is null
),

breakdowns as (
    select
        invoice_id,
        contract_id,
        invoice_type,
        billable_status,
        net_payment_terms_days,
        issued_at
    from {{ ref('stg_metronome_export__invoice_breakdowns') }}
    union
    select
        invoice_id,
        contract_id,
        invoice_type,
        cast(null as string) as billable_status,  -- the draft itself states it
        net_payment_terms_days,
        issued_at
    from {{ ref('stg_metronome_export__draft_invoice_breakdowns') }}
),

facts_of_breakdowns as (
    select
        invoice_id,
        max(contract_id) as contract_id,
        max(invoice_type) as invoice_type,
        max(billable_status) as billable_status,  -- UNBILLABLE sorts after BILLABLE: one unbillable day is enough
        max(net_payment_terms_days) as net_payment_terms_days,
        max(issued_at) as issued_at
    from breakdowns
    group by invoice_id
),

scheduled_invoices as (
    select * from {{ ref('int_export_scheduled_invoices') }}
),

invoices as (
    select
        invoice_id,
        environment_type,
        customer_id,
        invoice_label,
        invoice_status,
        plan_id,
        plan_name,
        contract_id,
        source_pricing_unit,
        total,
        period_start_at,
        period_end_at,
        issued_at,
        cast(null as string) as billable_status,
        billing_provider_type,
        billing_provider_invoice_id,
        external_status,
        cast(null as {{ instant_type() }}) as snapshot_at
    from final_invoices
    union all
    select
        invoice_id,
        environment_type,
        customer_id,
        invoice_label,
        invoice_status,
        plan_id,
        plan_name,
        contract_id,
        source_pricing_unit,
        total,
        period_start_at,
        period_end_at,
        cast(null as {{ instant_type() }}) as issued_at,
        billable_status,
        cast(null as string) as billing_provider_type,
        billing_provider_invoice_id,
        cast(null as string) as external_status,
        snapshot_at
    from open_invoices
)

select
    invoices.invoice_id,
    invoices.environment_type,
    invoices.customer_id,
    -- Metronome's guides name CONTRACT_USAGE what the API names USAGE
    coalesce(
        replace(facts_of_breakdowns.invoice_type, 'CONTRACT_', ''),
        upper(invoices.invoice_label),
        case
            when invoices.plan_id is not null then 'PLAN_ARREARS'
            when invoices.period_start_at is null then 'SCHEDULED'
            when invoices.contract_id is not null then 'USAGE'
        end
    ) as invoice_type,
    invoices.invoice_status,
    invoices.plan_id,
    invoices.plan_name,
    -- not every layout of the export has it
    coalesce(invoices.contract_id, facts_of_breakdowns.contract_id) as contract_id,
    invoices.source_pricing_unit,
    invoices.total,
    invoices.period_start_at,
    invoices.period_end_at,
    -- a draft does not state it; its breakdowns or a schedule do
    coalesce(invoices.issued_at, facts_of_breakdowns.issued_at, scheduled_invoices.issued_at) as issued_at,
    facts_of_breakdowns.net_payment_terms_days,
    -- the table of final invoices does not state it
    coalesce(invoices.billable_status, facts_of_breakdowns.billable_status) as billable_status,
    invoices.billing_provider_type,
    invoices.billing_provider_invoice_id,
    invoices.external_status,
    invoices.snapshot_at
from invoices
left join facts_of_breakdowns on invoices.invoice_id = facts_of_breakdowns.invoice_id
left join scheduled_invoices on invoices.invoice_id = scheduled_invoices.invoice_id
