-- One row per pair of a contract and one that renews it, of either source.
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
