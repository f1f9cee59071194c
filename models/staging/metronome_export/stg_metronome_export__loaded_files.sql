-- One row per version of a file that was loaded, of loads that were completed.
with

source as (
    select loaded_files.*
    from {{ source('raw_export', 'loaded_files') }} as loaded_files
    inner join {{ source('raw_export', '_dlt_loads') }} as loads
        on loaded_files._dlt_load_id = loads.load_id
    where loads.status = 0
),

renamed as (
    select
        -- ids
        _dlt_load_id as load_id,

        -- text
        root,
        path,
        table_name,

        -- numerics
        size_bytes,

        -- booleans
        _dlt_load_id = max(_dlt_load_id) over (partition by path) as is_newest,

        -- timestamps
        modified_at
    from source
)

select * from renamed
