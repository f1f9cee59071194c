-- One row per charge of an invoice line of the plan vintage.
with

source as (
    select * from {{ source('raw_export', 'sub_line_item') }}
),

deduplicated as (
    {{ newest_rows('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as sub_line_item_id,
        line_item_id,
        charge_id,
        billable_metric_id,

        -- text
        name as sub_line_name,
        billable_metric_name,

        -- numerics
        quantity,
        subtotal,

        -- json
        tiers,

        -- timestamps
        updated_at
    from deduplicated
)

select * from renamed
