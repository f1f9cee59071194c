-- One row per contract that another contract renews, with the names of the contracts that renew it.
with

-- both sources can list a renewal, and the API lists it for both of its contracts
renewals as (
    select
        from_contract_id,
        to_contract_id
    from {{ ref('stg_metronome_api__contract_transitions') }}
    where transition_type = 'RENEWAL'
    union
    select
        from_contract_id,
        to_contract_id
    from {{ ref('stg_metronome_export__contract_transitions') }}
    where transition_type = 'RENEWAL'
),

contracts as (
    select * from {{ ref('int_contracts_combined') }}
)

select
    renewals.from_contract_id as contract_id,
    {{ joined_texts('coalesce(contracts.contract_name, contracts.contract_id)') }} as renewed_by
from renewals
inner join contracts on renewals.to_contract_id = contracts.contract_id
where contracts.archived_at is null
group by renewals.from_contract_id
