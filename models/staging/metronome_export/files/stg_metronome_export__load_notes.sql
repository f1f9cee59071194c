-- One row per note of a load: where its files differ from what is declared, and what was left out.
with

source as (
    select * from {{ source('raw_export', 'load_notes') }}
),

-- a run notes all that it leaves out in its last load; one that leaves out nothing any more says so
newest as (
    select max(_dlt_load_id) as load_id
    from source
    where kind in ('bad file', 'unknown file', 'stopped', 'complete')
),

renamed as (
    select
        -- ids
        source._dlt_load_id as load_id,

        -- text
        source.kind,
        source.table_name,
        source.column_name,
        source.path,
        source.message,

        -- booleans
        source.kind in ('bad file', 'unknown file', 'stopped')
        and source._dlt_load_id = newest.load_id as is_left_out
    from source
    cross join newest
)

select * from renamed
