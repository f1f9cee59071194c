-- One row per invoice of the API, or of the export in the environment of the API. It has rows only if both sources
-- hold invoices.
with

api_invoices as (
    select
        invoice_id,
        customer_id,
        invoice_status,
        issued_at,
        {{ pricing_unit('source_pricing_unit') }} as pricing_unit,
        {{ major_amount('total', 'source_pricing_unit') }} as total_amount
    from {{ ref('stg_metronome_api__invoices') }}
    where exists (select 1 from {{ ref('stg_metronome_export__invoices') }})
),

environment as (
    select environment_type from {{ ref('int_api_environment') }}
),

export_invoices as (
    select
        invoices.invoice_id,
        invoices.customer_id,
        invoices.invoice_status,
        {{ pricing_unit('invoices.source_pricing_unit') }} as pricing_unit,
        {{ major_amount('invoices.total', 'invoices.source_pricing_unit') }} as total_amount
    from {{ ref('stg_metronome_export__invoices') }} as invoices
    inner join environment on invoices.environment_type = environment.environment_type
    where exists (select 1 from {{ ref('stg_metronome_api__invoices') }})
),

export_end as (
    select max(updated_at) as exported_until from {{ ref('stg_metronome_export__invoices') }}
),

constituents as (
    select distinct invoice_id from {{ ref('stg_metronome_api__invoice_constituents') }}
),

compared as (
    select * from {{ ref('int_reconciliation_sources_compared') }}
),

availability as (
    select * from {{ ref('int_api_data_availability') }}
)

select
    coalesce(api_invoices.invoice_id, export_invoices.invoice_id) as invoice_id,
    environment.environment_type,
    coalesce(api_invoices.customer_id, export_invoices.customer_id) as customer_id,
    coalesce(api_invoices.pricing_unit, export_invoices.pricing_unit) as pricing_unit,
    case
        when export_invoices.invoice_id is null then 'only in the API'
        when api_invoices.invoice_id is null then 'only in the export'
        when compared.different_fields is null then 'equal'
        else 'different'
    end as outcome,
    case
        when export_invoices.invoice_id is null and api_invoices.invoice_status = 'DRAFT'
            then 'a draft: the export keeps those in a table of their own'
        when export_invoices.invoice_id is null and constituents.invoice_id is not null
            then 'a part of a consolidated invoice'
        when export_invoices.invoice_id is null and api_invoices.issued_at > export_end.exported_until
            then 'newer than the export'
        when api_invoices.invoice_id is null and not coalesce(availability.has_invoices, false)
            then 'the API was not read for the customer''s invoices'
    end as explanation,
    compared.compared_fields,
    compared.different_fields,
    api_invoices.invoice_status as api_status,
    export_invoices.invoice_status as export_status,
    api_invoices.total_amount as api_total_amount,
    export_invoices.total_amount as export_total_amount,
    case
        when api_invoices.pricing_unit = export_invoices.pricing_unit
            then {{ amount_difference('api_invoices.total_amount', 'export_invoices.total_amount') }}
    end as difference_amount
from api_invoices
full outer join export_invoices on api_invoices.invoice_id = export_invoices.invoice_id
cross join environment
cross join export_end
left join constituents on api_invoices.invoice_id = constituents.invoice_id
left join compared on api_invoices.invoice_id = compared.invoice_id
left join availability on export_invoices.customer_id = availability.customer_id
