-- One row per product of contracts, with its current name. The API does not list the products of plans.
with

source as (
    select * from {{ source('raw_api', 'products') }}
),

renamed as (
    select
        -- ids
        id as product_id,
        {{ json_text('current', 'billable_metric_id') }} as billable_metric_id,

        -- text
        type as product_type,
        {{ json_text('current', 'name') }} as product_name,

        -- json
        updates,
        custom_fields,

        -- timestamps
        archived_at
    from source
)

select * from renamed
