-- One row per resource and customer, with the newest read. The customer is null for a resource of the account.
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
