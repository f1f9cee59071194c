-- One row per change of the state of an alert for a customer.
{{ config(materialized='table') }}

with

source as (
    {{ live_rows(source('raw_export', 'customer_alert_history')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id'], ['created_at']) }}
),

renamed as (
    select
        -- ids
        id as alert_change_id,
        customer_id,
        alert_id,

        -- text
        environment_type,
        upper(alert_status) as alert_status,

        -- json
        additional_data,

        -- timestamps
        created_at
    from deduplicated
)

select * from renamed
