-- One row per contract and transition that it takes part in, as the former or the new contract. A renewal is a
-- transition.
with

source as (
    select * from {{ source('raw_api', 'contract_transitions') }}
),

renamed as (
    select
        -- ids
        contract_id,
        transition_number,
        customer_id,
        from_contract_id,
        to_contract_id,

        -- text
        upper(type) as transition_type
    from source
)

select * from renamed
