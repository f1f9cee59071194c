-- One row per run, batch and resource, with its counts.
with

source as (
    select * from {{ source('raw_api', 'run_resources') }}
),

renamed as (
    select
        -- ids
        run_id,
        batch_number,

        -- text
        resource,

        -- numerics
        requests,
        retries,
        rate_limited,
        waited_seconds,
        rows as loaded_rows,
        customers,
        unavailable
    from source
)

select * from renamed
