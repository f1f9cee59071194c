{%- set again_after_34_days = {'at': 'timestamp', 'after_days': 34} -%}
{%- set key = {'environment_type': 'environment_type', 'transaction_id': 'transaction_id'} -%}
-- One row per usage event that Metronome received, billed or not. An event that is sent twice counts once. If its
-- transaction_id is used again more than 34 days later, that is another event.
{{ incremental_or_table(key) }}

with

source as {{ not_materialized_at_first() }} (
    {{ incremental_rows(source('raw_export', 'events'), key) }}
),

deduplicated as (
    -- sqlfluff cannot parse a lambda of two parameters
    {{ deduplicated('source', ['environment_type', 'transaction_id'], reused=again_after_34_days) }}  -- noqa: PRS
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
        {{- file_and_load() }}
    from deduplicated
)

select * from renamed
