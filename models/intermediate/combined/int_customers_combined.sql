-- One row per customer of either source. The API, which is live, takes precedence.
with

api_environment as (
    select * from {{ ref('int_api_environment') }}
),

api_customers as (
    select * from {{ ref('stg_metronome_api__customers') }}
),

export_customers as (
    select * from {{ ref('stg_metronome_export__customers') }}
),

-- nothing is billed through an archived configuration
providers as (
    select
        customer_id,
        {{ joined_texts('billing_provider') }} as billing_provider_type,
        {{ joined_texts('stripe_customer_id') }} as billing_provider_customer_id
    from {{ ref('stg_metronome_api__billing_provider_configurations') }}
    where archived_at is null
    group by customer_id
),

from_api as (
    select
        api_customers.customer_id,
        api_environment.environment_type,
        api_customers.customer_name,
        api_customers.ingest_aliases,
        api_customers.salesforce_account_id,
        api_customers.billable_status,
        coalesce(providers.billing_provider_type, export_customers.billing_provider_type)
            as billing_provider_type,
        coalesce(providers.billing_provider_customer_id, export_customers.billing_provider_customer_id)
            as billing_provider_customer_id,
        api_customers.created_at,
        api_customers.archived_at,
        true as is_in_api,
        export_customers.customer_id is not null as is_in_export
    from api_customers
    cross join api_environment
    left join export_customers on api_customers.customer_id = export_customers.customer_id
    left join providers on api_customers.customer_id = providers.customer_id
),

only_in_export as (
    select
        export_customers.customer_id,
        export_customers.environment_type,
        export_customers.customer_name,
        export_customers.ingest_aliases,
        export_customers.salesforce_account_id,
        cast(null as string) as billable_status,
        export_customers.billing_provider_type,
        export_customers.billing_provider_customer_id,
        export_customers.created_at,
        export_customers.archived_at,
        false as is_in_api,
        true as is_in_export
    from export_customers
    left join api_customers on export_customers.customer_id = api_customers.customer_id
    where api_customers.customer_id is null
)

select * from from_api
union all
select * from only_in_export
