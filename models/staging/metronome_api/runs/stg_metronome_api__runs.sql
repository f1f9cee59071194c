-- One row per run of the API pipeline.
with

source as (
    select * from {{ source('raw_api', 'runs') }}
),

renamed as (
    select
        -- ids
        run_id,

        -- text
        host,

        -- numerics
        customers,

        -- booleans
        full_refresh as is_full_refresh,

        -- json
        selected as selected_resources,

        -- timestamps
        as_of,
        started_at,
        finished_at
    from source
)

select * from renamed
