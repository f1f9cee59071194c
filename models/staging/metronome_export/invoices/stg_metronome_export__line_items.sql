{%- set key = {'id': 'line_item_id'} -%}
-- One row per invoice line, in its newest version: the charges of a product, an applied credit or commit, or an
-- adjustment. `sub_line_items` has the real quantities of plan invoices.
{{ incremental_or_table(key) }}

with

source as {{ not_materialized_at_first() }} (
    {{ incremental_rows(source('raw_export', 'line_item'), key) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as line_item_id,
        invoice_id,
        product_id,
        credit_grant_id,
        commit_id,
        subscription_id,
        credit_type_id as pricing_unit_id,

        -- text
        name as line_name,
        credit_type_name as source_pricing_unit,
        group_key,
        group_value,

        -- numerics
        quantity,
        unit_price,
        total,

        -- booleans
        is_prorated,

        -- json
        pricing_group_values,
        metadata,

        -- timestamps
        starting_at,
        ending_before,
        updated_at
        {{- file_and_load() }}
    from deduplicated
)

select * from renamed
