-- One row per thing that invoices are billed under: a plan, a package or a rate card.
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

rate_cards as (
    select * from {{ ref('stg_metronome_api__rate_cards') }}
),

only_in_export as (
    select export_plans.*
    from export_plans
    left join api_plans on export_plans.plan_id = api_plans.plan_id
    where api_plans.plan_id is null
)

select
    plan_id,
    plan_name,
    'plan' as plan_kind
from api_plans
union all
select
    plan_id,
    plan_name,
    'plan' as plan_kind
from only_in_export
union all
select
    package_id as plan_id,
    package_name as plan_name,
    'package' as plan_kind
from packages
union all
select
    rate_card_id as plan_id,
    rate_card_name as plan_name,
    'rate card' as plan_kind
from rate_cards
