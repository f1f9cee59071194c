-- One row per plan, with its minimums, overage rates and credit grants.
with

source as (
    select * from {{ source('raw_api', 'plan_details') }}
),

renamed as (
    select
        -- ids
        id as plan_id,

        -- text
        name as plan_name,
        description as plan_description,

        -- json
        minimums,
        overage_rates,
        credit_grants,
        custom_fields
    from source
)

select * from renamed
