-- One row per resource and customer: its newest read. Where the customer is null, the resource is the account's.
with

source as (
    select * from {{ source('raw_api', 'reads') }}
),

renamed as (
    select
        -- ids
        read_id,
        run_id,
        customer_id,

        -- text
        resource,
        status as read_status,
        reason,

        -- numerics
        http_status,
        rows as loaded_rows,

        -- timestamps
        as_of
    from source
)

select * from renamed
