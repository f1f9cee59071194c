-- One row per customer in the environment of the API token, archived customers included.
with

source as (
    select * from {{ source('raw_api', 'customers') }}
),

renamed as (
    select
        -- ids
        id as customer_id,
        {{ json_text('customer_config', 'salesforce_account_id') }} as salesforce_account_id,

        -- text
        name as customer_name,
        upper(current_billable_status__value) as billable_status,

        -- json
        ingest_aliases,
        custom_fields,

        -- timestamps
        current_billable_status__effective_at as billable_status_effective_at,
        created_at,
        updated_at,
        archived_at
    from source
)

select * from renamed
