-- One row per customer that is on a plan or contract at the as-of instant: what it is called.
with

customer_plans as (
    select * from {{ ref('stg_metronome_api__customer_plans') }}
),

contracts as (
    select * from {{ ref('stg_metronome_api__contracts') }}
),

plans as (
    select * from {{ ref('int_plans_united') }}
),

agreements as (
    select
        customer_id,
        plan_id,
        plan_name as listed_name,
        cast(null as string) as contract_name,
        starting_at,
        ending_before
    from customer_plans
    union all
    select
        customer_id,
        coalesce(package_id, rate_card_id) as plan_id,
        cast(null as string) as listed_name,
        coalesce(contract_name, contract_id) as contract_name,
        starting_at,
        case when archived_at < ending_before or ending_before is null then archived_at else ending_before end
            as ending_before
    from contracts
)

select
    agreements.customer_id,
    {{ joined_texts('coalesce(plans.plan_name, agreements.listed_name)') }} as plan_name,
    {{ joined_texts('agreements.contract_name') }} as contract_name
from agreements
left join plans on agreements.plan_id = plans.plan_id
where
    agreements.starting_at <= {{ as_of() }}
    and ({{ as_of() }} < agreements.ending_before or agreements.ending_before is null)
group by agreements.customer_id
