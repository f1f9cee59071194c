-- One row per renewal that a contract takes part in, as the old one or the new.
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
