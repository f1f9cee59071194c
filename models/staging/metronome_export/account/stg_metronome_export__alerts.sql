-- One row per alert, in its newest version.
with

source as (
    {{ live_rows(source('raw_export', 'alert')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as alert_id,
        customer_id,

        -- text
        environment_type,
        name as alert_name,
        upper(alert_type) as alert_type,

        -- numerics
        threshold,

        -- booleans
        webhooks_enabled as is_webhook_enabled,

        -- json
        group_values,
        seat_filter,

        -- timestamps
        created_at,
        disabled_at,
        updated_at,
        archived_at
    from deduplicated
)

select * from renamed
