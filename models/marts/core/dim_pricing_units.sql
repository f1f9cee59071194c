-- One row per pricing unit that a source lists or an invoice uses.
with

listed as (
    select
        {{ pricing_unit('source_pricing_unit') }} as pricing_unit,
        is_currency
    from {{ ref('stg_metronome_api__pricing_units') }}
    union all
    select
        {{ pricing_unit('source_pricing_unit') }} as pricing_unit,
        is_currency
    from {{ ref('stg_metronome_export__pricing_units') }}
),

invoiced as (
    select distinct
        pricing_unit,
        cast(null as boolean) as is_currency
    from {{ ref('int_invoices_combined') }}
),

every_mention as (
    select * from listed
    union all
    select * from invoiced
)

select
    pricing_unit,
    {{ dbt.bool_or('is_currency') }} as is_currency
from every_mention
group by pricing_unit
