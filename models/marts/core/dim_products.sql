-- One row per product. A product that no source lists has the name of its invoice lines.
with

api_products as (
    select
        product_id,
        product_name,
        1 as preference
    from {{ ref('stg_metronome_api__products') }}
),

export_products as (
    select
        product_id,
        product_name,
        2 as preference
    from {{ ref('stg_metronome_export__products') }}
),

product_versions as (
    select
        *,
        row_number() over (partition by product_id order by version desc, product_version_id asc) as recency
    from {{ ref('stg_metronome_export__product_versions') }}
),

versioned_products as (
    select
        product_id,
        product_name,
        2 as preference
    from product_versions
    where recency = 1
),

invoiced_products as (
    select
        product_id,
        -- prefer lines that are not discounts, because discounts rarely have the product's name
        coalesce(min(case when amount >= 0 then line_name end), min(line_name)) as product_name,
        3 as preference
    from {{ ref('int_invoice_lines_combined') }}
    where product_id is not null
    group by product_id
),

listed as (
    select * from api_products
    union all
    select * from export_products
    union all
    select * from versioned_products
    union all
    select * from invoiced_products
),

ranked as (
    select
        *,
        row_number() over (partition by product_id order by preference asc, product_name asc nulls last) as choice
    from listed
)

select
    product_id,
    product_name
from ranked
where choice = 1
