-- One row per invoice of either source. An invoice only moves forward: draft, finalized, void. If the sources differ,
-- the later state is the newer one. If they agree, the API's row is used, because it has more fields.
with

api_invoices as (
    select * from {{ ref('stg_metronome_api__invoices') }}
),

export_invoices as (
    select * from {{ ref('int_export_invoices') }}
),

customers as (
    select * from {{ ref('int_customers_combined') }}
),

both_sources as (
    select
        'api' as source,
        api_invoices.invoice_id,
        customers.environment_type,
        api_invoices.customer_id,
        api_invoices.invoice_type,
        api_invoices.invoice_status,
        api_invoices.plan_id,
        api_invoices.plan_name,
        api_invoices.contract_id,
        api_invoices.regenerated_from_invoice_id,
        api_invoices.source_pricing_unit,
        api_invoices.total,
        api_invoices.period_start_at,
        api_invoices.period_end_at,
        api_invoices.issued_at,
        api_invoices.net_payment_terms_days,
        api_invoices.billable_status,
        api_invoices.billing_provider_type,
        api_invoices.billing_provider_invoice_id,
        api_invoices.external_status,
        api_invoices.billing_provider_error
    from api_invoices
    left join customers on api_invoices.customer_id = customers.customer_id
    union all
    select
        'export' as source,
        invoice_id,
        environment_type,
        customer_id,
        invoice_type,
        invoice_status,
        plan_id,
        plan_name,
        contract_id,
        cast(null as string) as regenerated_from_invoice_id,
        source_pricing_unit,
        total,
        period_start_at,
        period_end_at,
        issued_at,
        net_payment_terms_days,
        billable_status,
        billing_provider_type,
        billing_provider_invoice_id,
        external_status,
        cast(null as string) as billing_provider_error
    from export_invoices
),

ranked as (
    select
        *,
        -- one source can state it if the other does not: the maximum is then of that one value
        max(billable_status) over (partition by invoice_id) as stated_billable_status,
        row_number() over (
            partition by invoice_id
            order by
                case invoice_status when 'VOID' then 1 when 'FINALIZED' then 2 when 'DRAFT' then 3 else 4 end,
                source  -- api before export
        ) as choice
    from both_sources
)

select
    source,
    invoice_id,
    environment_type,
    customer_id,
    invoice_type,
    invoice_status,
    plan_id,
    plan_name,
    contract_id,
    regenerated_from_invoice_id,
    {{ pricing_unit('source_pricing_unit') }} as pricing_unit,
    {{ major_amount('total', 'source_pricing_unit') }} as total_amount,
    period_start_at,
    period_end_at,
    issued_at,
    net_payment_terms_days,
    coalesce(billable_status, stated_billable_status) as billable_status,
    billing_provider_type,
    billing_provider_invoice_id,
    external_status,
    billing_provider_error
from ranked
where choice = 1
