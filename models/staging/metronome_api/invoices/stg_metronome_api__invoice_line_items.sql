-- One row per invoice line. The API gives lines no id, so the key is the invoice and the position of the line.
with

source as (
    select * from {{ source('raw_api', 'invoice_line_items') }}
),

renamed as (
    select
        -- ids
        invoice_id,
        line_number,
        customer_id,
        product_id,
        credit_type__id as pricing_unit_id,
        applied_commit_or_credit__id as applied_balance_id,
        coalesce(commit_id, postpaid_commit__id) as commit_id,
        commit_segment_id,
        subscription_id,
        scheduled_charge_id,
        discount_id,
        origin__invoice_id as origin_invoice_id,
        origin__contract_id as origin_contract_id,
        origin__customer_id as origin_customer_id,

        -- text
        name as line_name,
        lower(type) as line_type,
        product_type,
        credit_type__name as source_pricing_unit,
        upper(applied_commit_or_credit__type) as applied_balance_type,
        upper(applied_commit_or_credit__access_type) as applied_access_type,
        group_key,
        group_value,

        -- numerics
        quantity,
        unit_price,
        quantity_consumed,
        total,

        -- booleans
        is_prorated,

        -- json
        product_tags,
        pricing_group_values,
        presentation_group_values,
        tier,
        list_price,

        -- timestamps
        starting_at,
        ending_before
    from source
)

select * from renamed
