-- One row per customer that is on a plan or contract at the as-of instant, with the names of its plans and contracts,
-- and the billing frequency, end and renewal of its contracts.
with

availability as (
    select * from {{ ref('int_data_availability') }}
),

customer_plans as (
    select customer_plans.*
    from {{ ref('stg_metronome_api__customer_plans') }} as customer_plans
    inner join availability on customer_plans.customer_id = availability.customer_id
    where availability.has_customer_plans
),

contracts as (
    select
        contracts.*,
        coalesce(contracts.contract_name, contracts.contract_id) as displayed_name,
        case
            when contracts.archived_at < contracts.ending_before or contracts.ending_before is null
                then contracts.archived_at
            else contracts.ending_before
        end as ends_at
    from {{ ref('int_contracts_combined') }} as contracts
    inner join availability on contracts.customer_id = availability.customer_id
    where availability.has_contracts
),

renewals as (
    select * from {{ ref('int_contract_renewals') }}
),

plans as (
    select * from {{ ref('int_plans_combined') }}
),

agreements as (
    select
        customer_id,
        plan_id,
        plan_name as listed_name,
        cast(null as string) as contract_name,
        cast(null as string) as billing_frequency,
        cast(null as string) as renewed_by,
        starting_at,
        ending_before as ends_at,
        cast(null as {{ instant_type() }}) as contract_ends_at
    from customer_plans
    union all
    select
        contracts.customer_id,
        coalesce(contracts.package_id, contracts.rate_card_id) as plan_id,
        cast(null as string) as listed_name,
        contracts.displayed_name as contract_name,
        contracts.billing_frequency,
        renewals.renewed_by,
        contracts.starting_at,
        contracts.ends_at,
        contracts.ends_at as contract_ends_at
    from contracts
    left join renewals on contracts.contract_id = renewals.contract_id
)

select
    agreements.customer_id,
    {{ joined_texts('coalesce(plans.plan_name, agreements.listed_name)') }} as plan_name,
    {{ joined_texts('agreements.contract_name') }} as contract_name,
    {{ joined_texts('agreements.billing_frequency') }} as billing_frequency,
    min(agreements.contract_ends_at) as contract_ends_at,
    {{ joined_texts('agreements.renewed_by') }} as renewed_by
from agreements
left join plans on agreements.plan_id = plans.plan_id
where
    agreements.starting_at <= {{ as_of() }}
    and ({{ as_of() }} < agreements.ends_at or agreements.ends_at is null)
group by agreements.customer_id
