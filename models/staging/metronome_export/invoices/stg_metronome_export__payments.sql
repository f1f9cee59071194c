-- One row per payment that Metronome collected, in its newest version.
{{ config(materialized='table') }}

with

source as (
    {{ live_rows(source('raw_export', 'payment')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as payment_id,
        invoice_id,
        customer_id,
        contract_id,
        credit_type_id as pricing_unit_id,

        -- text
        environment_type,
        credit_type_name as source_pricing_unit,
        upper(status) as payment_status,
        error_message,

        -- numerics
        amount,
        amount_paid as paid,

        -- json
        payment_gateway,

        -- timestamps
        created_at,
        updated_at
    from deduplicated
)

select * from renamed
