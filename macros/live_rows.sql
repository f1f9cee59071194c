{#
  Which rows of a raw export table count. Raw is append-only: a file that has changed was loaded again,
  and a load that was killed left part of a file. A file's rows are those of its newest complete load.

  Metronome can also deliver the export into a warehouse. Its tables then have no file and no load, and all of their
  rows count: `export_has_files: false`.
#}
{% macro export_has_files() -%}
    {{ return(var('export_has_files') | string | lower != 'false') }}
{%- endmacro %}

{% macro live_rows(raw_table) -%}
    select *
    from {{ raw_table }}
    {%- if metronome.export_has_files() %}
    where (_file, _dlt_load_id) in (
        select path, load_id from {{ ref('stg_metronome_export__loaded_files') }} where is_newest
    )
    {%- endif %}
{%- endmacro %}

{# The columns with the file and the load of a row, for a model that `incremental_rows` reads again. #}
{% macro file_and_load() -%}
    {%- if metronome.export_has_files() -%}
    {%- set name = metronome.file_column() -%}
    ,

        -- file and load
        _file{{ ' as ' ~ name if name != '_file' }},
        _dlt_load_id
    {%- endif -%}
{%- endmacro %}

{# The name of the column `_file` in such a model. #}
{% macro file_column() -%}
    {{ return(adapter.dispatch('file_column')()) }}
{%- endmacro %}

{% macro default__file_column() -%}
    {{ return('_file') }}
{%- endmacro %}

{#
  Configure a large model: `incremental` where a row has its load, and the engine can delete a file's rows. Elsewhere
  every run builds the table anew. `key` has the columns that identify a row, by their names in the raw table.
#}
{% macro incremental_or_table(key) -%}
    {{ config(
        materialized='incremental' if metronome.export_has_files() and metronome.can_delete_rows() else 'table',
        unique_key=metronome.incremental_key(key.values() | list),
        **metronome.incremental_settings()
    ) }}
{%- endmacro %}

{% macro can_delete_rows() -%}
    {{ return(adapter.dispatch('can_delete_rows')()) }}
{%- endmacro %}

{% macro default__can_delete_rows() -%}
    {{ return(true) }}
{%- endmacro %}

{# Further settings of such a model. dbt_project.yml has those of DuckDB. #}
{% macro incremental_settings() -%}
    {{ return(adapter.dispatch('incremental_settings')()) }}
{%- endmacro %}

{% macro default__incremental_settings() -%}
    {{ return({}) }}
{%- endmacro %}

{# The `unique_key` of such a model: what dbt deletes rows by before it inserts their new versions. #}
{% macro incremental_key(columns) -%}
    {{ return(adapter.dispatch('incremental_key')(columns)) }}
{%- endmacro %}

{% macro default__incremental_key(columns) -%}
    {{ return(columns) }}
{%- endmacro %}

{# A hash is one value to compare, and also finds a key with a null. #}
{% macro duckdb__incremental_key(columns) -%}
    {{ return(metronome.key_hash(columns)) }}
{%- endmacro %}

{#
  Select the rows that an incremental model reads: all rows in its first run, later the rows whose key is in a file
  that was loaded since. Keys of earlier versions of such a file are included. The rows are not compared with the
  model's existing rows, so a run gives the same result as a full refresh, for fewer keys.
#}
{% macro incremental_rows(raw_table, key) -%}
    {{ metronome.live_rows(raw_table) }}
    {%- if is_incremental() %}
        and {{ metronome.key_hash(key) }} in (
            select {{ metronome.key_hash(key) }}
            from {{ raw_table }}
            where _file in (
                select path
                from {{ ref('stg_metronome_export__loaded_files') }}
                where is_newest and load_id > (select coalesce(max(_dlt_load_id), '') from {{ this }})
            )
            {{- metronome.or_in_replaced_rows(raw_table, key) }}
        )
    {%- endif %}
{%- endmacro %}

{# More keys for `incremental_rows`, on an engine whose raw tables do not keep the earlier versions of a file. #}
{% macro or_in_replaced_rows(raw_table, key) -%}
    {{ return(adapter.dispatch('or_in_replaced_rows')(raw_table, key)) }}
{%- endmacro %}

{% macro default__or_in_replaced_rows(raw_table, key) -%}
{%- endmacro %}

{# Before a run of an incremental model: delete the rows of files that were loaded again, or that no longer exist. #}
{% macro delete_replaced_rows() -%}
    {{ return(adapter.dispatch('delete_replaced_rows')()) }}
{%- endmacro %}

{% macro default__delete_replaced_rows() -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where (_file, _dlt_load_id) not in (
            select path, load_id from {{ ref('stg_metronome_export__loaded_files') }} where is_newest
        )
    {%- endif -%}
{%- endmacro %}

{#
  Return a hash of a key, null or not. Different keys can have the same hash. Do not store it, because another
  version of the engine can compute it differently.
#}
{% macro key_hash(key) -%}
    {{ return(adapter.dispatch('key_hash')(key)) }}
{%- endmacro %}

{% macro duckdb__key_hash(key) -%}
    hash({{ key | join(', ') }})
{%- endmacro %}

{# Select the hashes of keys that may occur in more than one row of a relation. Nearly all keys occur once. #}
{% macro repeated_key_hashes(relation, key) -%}
    select {{ metronome.key_hash(key) }} as repeated_hash
    from {{ relation }}
    group by repeated_hash
    having count(*) > 1
{%- endmacro %}

{# Return a hash of the content of a raw export row, without its load. Do not store it. #}
{% macro content_hash() -%}
    {{ return(adapter.dispatch('content_hash')()) }}
{%- endmacro %}

{% macro duckdb__content_hash() -%}
    hash(*columns(*{{ ' exclude (_dlt_load_id)' if metronome.export_has_files() }}))
{%- endmacro %}

{#
  Write this between `as` and the parenthesis of a CTE that several queries filter. Otherwise DuckDB keeps all rows of
  the CTE in memory.
#}
{% macro not_materialized() -%}
    {{ return(adapter.dispatch('not_materialized')()) }}
{%- endmacro %}

{% macro default__not_materialized() -%}
{%- endmacro %}

{% macro duckdb__not_materialized() -%}
    not materialized
{%- endmacro %}

{# For `incremental_rows`: do not materialize in the first run, which reads all rows. Later runs read few rows. #}
{% macro not_materialized_at_first() -%}
    {{ '' if is_incremental() else metronome.not_materialized() }}
{%- endmacro %}
