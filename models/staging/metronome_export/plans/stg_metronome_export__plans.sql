-- One row per plan, in its newest version.
with

source as (
    {{ live_rows(source('raw_export', 'plan')) }}
),

deduplicated as (
    {{ deduplicated('source', ['id']) }}
),

renamed as (
    select
        -- ids
        id as plan_id,

        -- text
        environment_type,
        name as plan_name,
        description as plan_description,
        billing_frequency,

        -- json
        custom_fields,

        -- timestamps
        starting_on as starting_at,
        created_at,
        deprecated_at,
        updated_at
    from deduplicated
)

select * from renamed
