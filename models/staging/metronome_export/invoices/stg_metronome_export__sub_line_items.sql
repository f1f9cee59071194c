{%- set key = {'id': 'sub_line_item_id'} -%}
-- One row per charge of a line of a plan invoice, in its newest version. Amounts are in the pricing unit of the
-- line.
{{ incremental_or_table(key) }}

with

source as {{ not_materialized_at_first() }} (
    {{ incremental_rows(source('raw_export', 'sub_line_item'), key) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
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
        {{- file_and_load() }}
    from deduplicated
)

select * from renamed
