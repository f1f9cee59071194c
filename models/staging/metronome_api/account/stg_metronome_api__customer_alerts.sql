-- One row per customer and alert that watches the customer. The API calls an alert a threshold notification.
with

source as (
    select * from {{ source('raw_api', 'customer_alerts') }}
),

renamed as (
    select
        -- ids
        customer_id,
        alert__id as alert_id,
        alert__credit_type__id as pricing_unit_id,

        -- text
        alert__name as alert_name,
        upper(alert__type) as alert_type,
        upper(alert__status) as alert_status,
        upper(customer_status) as customer_status,
        triggered_by,
        alert__credit_type__name as source_pricing_unit,
        upper(alert__access_type) as access_type,

        -- numerics
        alert__threshold as threshold,

        -- json
        alert__invoice_types_filter as invoice_types_filter,
        alert__custom_field_filters as custom_field_filters,
        alert__group_values as group_values,
        alert__seat_filter as seat_filter,
        alert__alert_specifiers as alert_specifiers,

        -- timestamps
        alert__updated_at as updated_at
    from source
)

select * from renamed
