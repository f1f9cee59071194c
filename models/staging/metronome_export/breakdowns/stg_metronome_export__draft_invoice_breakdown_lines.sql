{%- set key = {'id': 'invoice_breakdown_line_id', 'snapshot_timestamp': 'snapshot_at'} -%}
-- One row per daily snapshot, window and line of a draft invoice. Each snapshot repeats the period up to its day.
{{ incremental_or_table(key) }}

with

source as {{ not_materialized_at_first() }} (
    {{ incremental_rows(source('raw_export', 'breakdowns_draft_line_items'), key) }}
),

deduplicated as (
    {{ deduplicated('source', ['id', 'snapshot_timestamp']) }}
),

renamed as (
    select
        -- ids
        id as invoice_breakdown_line_id,
        invoice_breakdown_id,
        product_id,
        credit_type_id as pricing_unit_id,
        commit_id,
        commit_segment_id as segment_id,
        subscription_id,
        line_item_id,
        billable_metric_id,

        -- text
        environment_type,
        name as line_name,
        group_key,
        group_value,
        product_type,
        credit_type_name as source_pricing_unit,
        upper(commit_type) as balance_type,
        lower(line_item_type) as line_type,

        -- numerics
        quantity,
        total,
        unit_price,

        -- booleans
        is_prorated,

        -- json
        custom_fields,
        pricing_group_values,
        presentation_group_values,
        metadata,

        -- timestamps
        snapshot_timestamp as snapshot_at,
        watermark_timestamp as watermark_at,
        breakdown_start_timestamp as breakdown_start_at,
        breakdown_end_timestamp as breakdown_end_at,
        updated_at
        {{- file_and_load() }}
    from deduplicated
)

select * from renamed
