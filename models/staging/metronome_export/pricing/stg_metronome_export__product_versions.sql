-- One row per version of a product of contracts, from the newest snapshot. A version lasts until the next one
-- starts.
with

source as (
    {{ live_rows(source('raw_export', 'contracts_product_list_item_versions')) }}
),

deduplicated as (
    {{ newest_snapshot('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as product_version_id,
        product_list_item_id as product_id,
        billable_metric_id,

        -- text
        environment_type,
        snapshot_id,
        type as product_type,
        name as product_name,
        composite_scope,
        created_by,

        -- numerics
        version,

        -- booleans
        is_refundable,
        include_composite_spend as is_composite_spend_included,

        -- json
        composite_product_ids,
        tags,
        composite_tags,
        quantity_conversion,
        quantity_rounding,
        pricing_group_key,
        presentation_group_key,
        metadata,

        -- timestamps
        starting_at,
        created_at,
        updated_at
    from deduplicated
)

select * from renamed
