-- One row per note of a load. A note records a difference between a file and its declaration, or a file or table
-- that was left out. The README of the export pipeline lists the kinds. An export without files has no notes.
with

{% if export_has_files() %}
    source as (
        select * from {{ source('raw_export', 'load_notes') }}
    ),

    -- The last load of a run notes everything that the run left out, or that it left out nothing.
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
{% else %}
    renamed as (
        select
            cast(null as string) as load_id,
            cast(null as string) as kind,
            cast(null as string) as table_name,
            cast(null as string) as column_name,
            cast(null as string) as path,
            cast(null as string) as message,
            false as is_left_out
        where false
    )
{% endif %}

select * from renamed
