-- One row per plan, package or rate card. Invoices are billed under these.
with

api_plans as (
    select * from {{ ref('stg_metronome_api__plans') }}
),

export_plans as (
    select * from {{ ref('stg_metronome_export__plans') }}
),

packages as (
    select * from {{ ref('stg_metronome_api__packages') }}
),

export_packages as (
    select * from {{ ref('stg_metronome_export__packages') }}
),

rate_cards as (
    select * from {{ ref('stg_metronome_api__rate_cards') }}
),

export_rate_cards as (
    select * from {{ ref('stg_metronome_export__rate_cards') }}
),

listed as (
    select
        'api' as source,
        plan_id,
        plan_name,
        'plan' as plan_kind
    from api_plans
    union all
    select
        'export' as source,
        plan_id,
        plan_name,
        'plan' as plan_kind
    from export_plans
    union all
    select
        'api' as source,
        package_id as plan_id,
        package_name as plan_name,
        'package' as plan_kind
    from packages
    union all
    select
        'export' as source,
        package_id as plan_id,
        package_name as plan_name,
        'package' as plan_kind
    from export_packages
    union all
    select
        'api' as source,
        rate_card_id as plan_id,
        rate_card_name as plan_name,
        'rate card' as plan_kind
    from rate_cards
    union all
    select
        'export' as source,
        rate_card_id as plan_id,
        rate_card_name as plan_name,
        'rate card' as plan_kind
    from export_rate_cards
),

ranked as (
    select
        *,
        row_number() over (partition by plan_id order by source) as choice  -- api before export
    from listed
)

select
    plan_id,
    plan_name,
    plan_kind
from ranked
where choice = 1
