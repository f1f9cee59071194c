-- One row per version of a file, of completed loads. Only the rows of the newest version count. A table that has a
-- file here was exported, even if the file is empty. An export without files has one row per table that is not empty.
{%- set delivered = [
    'alert', 'breakdowns_draft_line_items', 'breakdowns_line_items', 'contracts_balances', 'contracts_contracts',
    'credit_grant', 'credit_grant_deduction', 'customer_alert_history', 'events', 'invoice',
] %}
with

{% if export_has_files() %}

    source as (
        select loaded_files.*
        from {{ source('raw_export', 'loaded_files') }} as loaded_files
        inner join {{ source('raw_export', '_dlt_loads') }} as loads
            on loaded_files._dlt_load_id = loads.load_id
        where loads.status = 0
    ),

    -- …/<part>_<YYYYMMDDHHmmss>.parquet
    stamped as (
        select
            *,
            substr(path, length(path) - 21, 14) as stamp
        from source
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
            coalesce(has_doubles, false) as has_doubles,

            -- timestamps
            modified_at,
        {{ text_to_instant(
            "substr(stamp, 1, 4) || '-' || substr(stamp, 5, 2) || '-' || substr(stamp, 7, 2) || 'T'"
            ~ " || substr(stamp, 9, 2) || ':' || substr(stamp, 11, 2) || ':' || substr(stamp, 13, 2) || 'Z'"
        ) }} as transferred_at
        from stamped
    )
{% else %}
renamed as (
    {% for table in delivered %}
    select
        'delivery' as load_id,
        cast(null as string) as root,
        '{{ table }}' as path,
        '{{ table }}' as table_name,
        cast(null as bigint) as size_bytes,
        true as is_newest,
        false as has_doubles,
        cast(null as {{ instant_type() }}) as modified_at,
        cast(null as {{ instant_type() }}) as transferred_at
    where exists (select 1 from {{ source('raw_export', table) }})
    {{ 'union all' if not loop.last }}
    {% endfor %}
)
{% endif %}

select * from renamed
