-- One row per invoice. It states in which figures the invoice counts, what it is billed under, and when it is due.
with

invoices as (
    select
        *,
        coalesce(billable_status = 'UNBILLABLE', false) as is_unbillable
    from {{ ref('int_invoices_combined') }}
),

constituents as (
    select distinct constituents.invoice_id
    from {{ ref('stg_metronome_api__invoice_constituents') }} as constituents
    inner join invoices on constituents.consolidated_invoice_id = invoices.invoice_id
    where invoices.invoice_status <> 'VOID'
),

contracts as (
    select * from {{ ref('int_contracts_combined') }}
),

plans as (
    select * from {{ ref('int_plans_combined') }}
),

payment_terms as (
    select * from {{ ref('int_invoices_payment_terms') }}
),

provider_statuses as (
    select * from {{ ref('external_invoice_statuses') }}
),

joined as (
    select
        invoices.*,
        contracts.contract_name,
        coalesce(invoices.plan_id, contracts.package_id, contracts.rate_card_id) as billed_plan_id,
        constituents.invoice_id is not null as is_constituent,
        invoices.invoice_status = 'FINALIZED' and constituents.invoice_id is null and not invoices.is_unbillable
            as is_billed,
        provider_statuses.external_status is not null as is_payment_status_known,
        coalesce(provider_statuses.is_settled, false) as is_settled,
        coalesce(provider_statuses.is_failed, false) as is_payment_failed,
        payment_terms.net_payment_terms_days as payment_terms_days
    from invoices
    left join contracts on invoices.contract_id = contracts.contract_id
    left join constituents on invoices.invoice_id = constituents.invoice_id
    left join provider_statuses on invoices.external_status = provider_statuses.external_status
    left join payment_terms on invoices.invoice_id = payment_terms.invoice_id
)

select
    joined.invoice_id,
    joined.source,
    joined.environment_type,
    joined.customer_id,
    joined.invoice_type,
    joined.invoice_status,
    joined.billed_plan_id as plan_id,
    coalesce(plans.plan_name, joined.plan_name) as plan_name,
    coalesce(
        plans.plan_kind,
        case
            when joined.plan_id is not null then 'plan'
            when joined.contract_id is not null then 'contract'
        end
    ) as plan_kind,
    joined.contract_id,
    joined.contract_name,
    joined.regenerated_from_invoice_id,
    joined.pricing_unit,
    joined.total_amount,
    joined.period_start_at,
    joined.period_end_at,
    joined.issued_at,
    -- a scheduled invoice has no period, so its month is that of its issue
    {{ first_of_month('coalesce(joined.period_start_at, joined.issued_at)') }} as billing_month,
    joined.is_constituent,
    -- a DRAFT_INCOMPLETE has no total yet
    joined.invoice_status not in ('VOID', 'DRAFT_INCOMPLETE') and not joined.is_constituent as is_included_in_totals,
    joined.is_unbillable,
    joined.is_billed,
    joined.billing_provider_type,
    joined.billing_provider_invoice_id,
    joined.external_status,
    joined.billing_provider_error,
    joined.is_payment_status_known,
    joined.is_payment_failed,
    joined.is_billed
    and joined.total_amount > 0
    and not joined.is_settled
    and coalesce(joined.issued_at <= {{ as_of() }}, false) as is_outstanding,
    joined.payment_terms_days as net_payment_terms_days,
    {{ dbt.dateadd('day', 'joined.payment_terms_days', 'joined.issued_at') }} as due_at
from joined
left join plans on joined.billed_plan_id = plans.plan_id
