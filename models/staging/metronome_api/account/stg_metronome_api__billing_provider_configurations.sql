-- One row per billing provider configuration of a customer, archived configurations included. It states how the
-- customer's invoices reach the provider.
with

source as (
    select * from {{ source('raw_api', 'billing_provider_configurations') }}
),

renamed as (
    select
        -- ids
        id as billing_provider_configuration_id,
        customer_id,
        delivery_method_id,
        {{ json_text('configuration', 'stripe_customer_id') }} as stripe_customer_id,

        -- text
        billing_provider,
        upper(delivery_method) as delivery_method,
        {{ json_text('configuration', 'stripe_collection_method') }} as stripe_collection_method,

        -- json
        configuration,
        delivery_method_configuration,

        -- timestamps
        archived_at
    from source
)

select * from renamed
