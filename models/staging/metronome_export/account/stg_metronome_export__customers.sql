-- One row per customer, in the newest version. Archived customers stay in the table.
{{ config(materialized='table') }}

with

source as (
    {{ live_rows(source('raw_export', 'customer')) }}
),

deduplicated as (
    {{ deduplicated('source', ['environment_type', 'id']) }}
),

renamed as (
    select
        -- ids
        id as customer_id,
        salesforce_account_id,
        billing_provider_customer_id,

        -- text
        environment_type,
        name as customer_name,
        billing_provider_type,

        -- json
        ingest_aliases,
        custom_fields,

        -- timestamps
        created_at,
        updated_at,
        archived_at
    from deduplicated
)

select * from renamed
