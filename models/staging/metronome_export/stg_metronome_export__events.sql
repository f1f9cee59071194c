-- One row per usage event received, billed or not; an event sent twice counts once.
with

source as (
    select * from {{ source('raw_export', 'events') }}
),

deduplicated as (
    {{ newest_rows('source', ['environment_type', 'transaction_id']) }}
),

renamed as (
    select
        -- ids
        transaction_id,
        customer_id as sent_customer_id,

        -- text
        environment_type,
        event_type,

        -- json
        {{ json_object('properties') }} as properties,

        -- timestamps
        timestamp as event_at,
        updated_at
    from deduplicated
)

select * from renamed
