{%- set key = {'id': 'line_item_id', 'snapshot_time': 'snapshot_at'} -%}
-- One row per daily snapshot and line of a draft invoice.
{{ incremental_or_table(key) }}

with

source as {{ not_materialized_at_first() }} (
    {{ incremental_rows(source('raw_export', 'draft_line_item'), key) }}
),

deduplicated as (
    {{ deduplicated('source', ['id', 'snapshot_time']) }}
),

renamed as (
    select
        -- ids
        id as line_item_id,
        invoice_id,
        credit_grant_id,
        credit_type_id as pricing_unit_id,
        commit_id,
        product_id,
        subscription_id,

        -- text
        environment_type,
        credit_type_name as source_pricing_unit,
        name as line_name,
        group_key,
        group_value,

        -- numerics
        quantity,
        total,
        unit_price,

        -- booleans
        is_prorated,

        -- json
        pricing_group_values,
        metadata,

        -- timestamps
        snapshot_time as snapshot_at,
        starting_at,
        ending_before,
        updated_at
        {{- file_and_load() }}
    from deduplicated
)

select * from renamed
