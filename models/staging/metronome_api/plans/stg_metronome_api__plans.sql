-- One row per plan.
with

source as (
    select * from {{ source('raw_api', 'plans') }}
),

renamed as (
    select
        -- ids
        id as plan_id,

        -- text
        name as plan_name,
        description as plan_description,

        -- json
        custom_fields
    from source
)

select * from renamed
