{#
  Spark's versions of the macros that engines differ in, in the order of the files that document them. Spark's
  session runs in UTC. JSON is text. A text between quotes takes a backslash for an escape.

  dbt-spark turns Spark's ANSI mode off. A value that does not fit in its type is then null, where DuckDB stops with an
  error. `exact_cast` and `exact_sum` make it an error in both modes.
#}

{# dbt's own macros #}

{# A contract names a type as DuckDB does. #}
{% macro spark__cast(field, type) -%}
    {%- set names = {
        'timestamp with time zone': metronome.spark__instant_type(),
        'json': metronome.spark__json_column_type(),
        'varchar': 'string',
    } -%}
    cast({{ field }} as {{ names.get(type | lower, type) }})
{%- endmacro %}

{# dbt-spark's macro keeps each backslash, which Spark reads as an escape. #}
{% macro spark__escape_single_quotes(expression) -%}
    {{ expression | replace('\\', '\\\\') | replace("'", "\\'") }}
{%- endmacro %}

{# dbt-spark's macro drops fractions of a second. #}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    timestampadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}

{# As on DuckDB, the test `meets_constraints` proves constraints: a table of Parquet files has none. #}
{% macro spark__persist_constraints(relation, model) -%}
{%- endmacro %}

{# Iceberg's catalog leaves the files of a plain table that it drops. Spark then cannot create the table again. #}
{% macro spark__drop_relation(relation) -%}
    {%- set purge = relation.is_table and (relation.is_iceberg or metronome.spark_file_format() == 'iceberg') -%}
    {%- call statement('drop_relation', auto_begin=False) -%}
        drop {{ relation.type }} if exists {{ relation }}{{ ' purge' if purge }}
    {%- endcall -%}
{%- endmacro %}

{# check_arguments.sql #}

{# By the letters that differ: Spark has no Jaro-Winkler similarity. #}
{% macro spark__similarity(name, asked, likeness) -%}
    {%- set distance = 'levenshtein(' ~ name ~ ', ' ~ asked ~ ')' -%}
    {{ return({'is_similar': distance ~ ' <= (1 - ' ~ likeness ~ ') * length(' ~ asked ~ ')', 'order': distance}) }}
{%- endmacro %}

{# deduplicated.sql #}

{% macro spark__deduplicated(relation, key, version, reused) -%}
    select * except (content, recency{{ ', use_started_at' if reused }})
    from (
        select
            *,
            {{ metronome.recency(key, version, reused) }} as recency
        from (
            select
                *,
                {{ metronome.content_hash() }} as content
                {%- if reused %},
                {{ metronome.last_start(
                    reused.at,
                    'collect_list(' ~ reused.at ~ ') over (partition by ' ~ key | join(', ') ~ ')',
                    reused.after_days
                ) }} as use_started_at
                {%- endif %}
            from {{ relation }}
        )
    )
    where recency = 1
{%- endmacro %}

{% macro spark__last_start(instant, instants, days) -%}
    aggregate(
        array_sort(filter({{ instants }}, moment -> moment <= {{ instant }})),
        cast(null as timestamp),
        (started, moment) -> case when moment <= timestampadd(day, {{ days }}, started) then started else moment end
    )
{%- endmacro %}

{# json.sql #}

{% macro spark__json_column_type() -%} string {%- endmacro %}

{% macro spark__json_text(column, key) -%}
    {%- if modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', key) -%}
        get_json_object({{ metronome.json_numbers_as_texts(column) }}, '$.{{ key }}')
    {%- elif modules.re.fullmatch('[0-9]+', key) -%}
        coalesce(
            get_json_object({{ metronome.json_numbers_as_texts(column) }}, '$[{{ key }}]'),
            {{ metronome.json_text_at(column, metronome.as_sql_text(key)) }}
        )
    {%- else -%}
        {{ metronome.json_text_at(column, metronome.as_sql_text(key)) }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__json_text_at(column, key_column) -%}
    try_element_at(from_json({{ metronome.json_numbers_as_texts(column) }}, 'map<string,string>'), {{ key_column }})
{%- endmacro %}

{#
  Spark reads a JSON number with a point as a double, as DuckDB does, and writes one of eight digits or more, or below
  0.001, with an exponent. The regular expressions are DuckDB's, without a step back: Spark takes one for each
  character of a long document.
#}
{% macro spark__json_numbers_as_texts(column) -%}
    {%- set inexact = '[0-9.]{16}|[0-9]{8}[.]|[^0-9]0[.]000' -%}
    {%- set before = '(?:[^"0-9-]|-[^0-9]|"(?:[^"\\\\]|\\\\.)*+")*+' -%}
    {%- set number = '-?[0-9][0-9.eE+-]*+' -%}
    case
        when {{ metronome.matches(column, inexact) }}
            then regexp_replace({{ column }}, {{ metronome.as_sql_text('\\G(' ~ before ~ ')(' ~ number ~ ')') }}, '$1"$2"')
        else {{ column }}
    end
{%- endmacro %}

{% macro spark__json_object(column) -%}
    {%- set text = "get_json_object(" ~ column ~ ", '$')" -%}
    {%- set inner_text = "substr(" ~ text ~ ", 2, length(" ~ text ~ ") - 2)" -%}
    {%- set entries = "regexp_replace(" ~ inner_text ~ ", ', ([A-Za-z0-9_.-]+)=', concat(chr(31), '$1='))" -%}
    case
        when {{ column }} not like '"%' then {{ column }}
        when json_object_keys({{ text }}) is not null then {{ text }}
        when {{ metronome.matches(text, '(?s)^[{][A-Za-z0-9_.-]+=.*[}]\\z') }}
            then concat('{', array_join(transform(
                split({{ entries }}, chr(31)),
                entry -> concat(
                    {{ metronome.spark_json_of_text("split_part(entry, '=', 1)") }}, ':',
                    {{ metronome.spark_json_of_text("substr(entry, instr(entry, '=') + 1)") }}
                )
            ), ','), '}')
    end
{%- endmacro %}

{# A text as a JSON text. Entries are texts and no map: Spark refuses a map with the same key twice. #}
{% macro spark_json_of_text(text) -%}
    regexp_replace(to_json(array({{ text }})), {{ metronome.as_sql_text('^.|.\\z') }}, '')
{%- endmacro %}

{% macro spark__unnest_json_texts(relation, column) -%}
    select
        *,
        explode(from_json({{ metronome.json_numbers_as_texts(column) }}, 'array<string>')) as element
    from {{ relation }}
{%- endmacro %}

{% macro spark__unnest_json_objects(relation, column) -%}
    select
        *,
        element_position + 1 as element_number
    from (
        select
            *,
            posexplode(from_json({{ metronome.json_numbers_as_texts(column) }}, 'array<string>'))
                as (element_position, element)
        from {{ relation }}
    )
{%- endmacro %}

{% macro spark__unnest_json_entries(relation, column) -%}
    select
        *,
        explode(from_json({{ metronome.json_numbers_as_texts(column) }}, 'map<string,string>'))
            as (entry_name, entry_value)
    from {{ relation }}
{%- endmacro %}

{% macro spark__json_list(column) -%}
    case
        when count({{ column }}) > 0 then concat('[', array_join(array_sort(collect_list({{ column }})), ','), ']')
    end
{%- endmacro %}

{% macro spark_json_texts(column, key) -%}
    from_json({{ metronome.json_text(column, key) }}, 'array<string>')
{%- endmacro %}

{% macro spark__passes_filter(value, filter) -%}
    coalesce(array_contains({{ metronome.spark_json_texts(filter, 'in_values') }}, {{ value }}), true)
    and not coalesce(array_contains({{ metronome.spark_json_texts(filter, 'not_in_values') }}, {{ value }}), false)
{%- endmacro %}

{% macro spark__passes_property_filters(properties, filters) -%}
    {%- set value = metronome.json_text_at(properties, metronome.json_text('f', 'name')) -%}
    {%- set in_values = metronome.spark_json_texts('f', 'in_values') -%}
    {%- set not_in_values = metronome.spark_json_texts('f', 'not_in_values') -%}
    coalesce(forall(
        from_json({{ metronome.json_numbers_as_texts(filters) }}, 'array<string>'),
        f -> coalesce(({{ value }} is not null) = cast({{ metronome.json_text('f', 'exists') }} as boolean), true)
        and ({{ in_values }} is null or coalesce(array_contains({{ in_values }}, {{ value }}), false))
        and not coalesce(array_contains({{ not_in_values }}, {{ value }}), false)
    ), true)
{%- endmacro %}

{# live_rows.sql #}

{# The format of the large tables of staging: SPARK_FILE_FORMAT. Rows of plain Parquet files cannot be deleted. #}
{% macro spark_file_format() -%}
    {%- set format = env_var('SPARK_FILE_FORMAT', 'parquet' if target.type == 'spark' else 'delta') -%}
    {%- if format not in ['parquet', 'delta', 'iceberg'] -%}
        {%- do exceptions.raise_compiler_error(
            'SPARK_FILE_FORMAT is ' ~ format ~ '. Give parquet, delta or iceberg.'
        ) -%}
    {%- endif -%}
    {{ return(format) }}
{%- endmacro %}

{% macro spark__can_delete_rows() -%}
    {{ return(metronome.spark_file_format() != 'parquet') }}
{%- endmacro %}

{# Iceberg has a column `_file` of its own in each table. #}
{% macro spark__file_column() -%}
    {{ return('export_file' if metronome.spark_file_format() == 'iceberg' else '_file') }}
{%- endmacro %}

{% macro spark__incremental_settings() -%}
    {%- if metronome.spark_file_format() == 'parquet' -%} {{ return({}) }} {%- endif -%}
    {{ return({'file_format': metronome.spark_file_format(), 'incremental_strategy': 'merge'}) }}
{%- endmacro %}

{# `spark__get_merge_sql` deletes them: a hook before it would be a change of its own, which a kill leaves alone. #}
{% macro spark__delete_replaced_rows() -%}
{%- endmacro %}

{# A view over files has no rows of a version that was replaced. Their keys are in the rows to delete. #}
{% macro spark__or_in_replaced_rows(raw_table, key) %}
            union all
            select {{ metronome.key_hash(key.values()) }}
            from ({{ metronome.spark_replaced_rows(raw_table) }})
{%- endmacro %}

{# Select the rows of an incremental model whose file was loaded again, or has no rows in raw. #}
{% macro spark_replaced_rows(raw_table) -%}
    select *
    from {{ this }}
    where not exists (
        select 1
        from (select distinct _file as path, _dlt_load_id as load_id from ({{ metronome.live_rows(raw_table) }}))
        where path = {{ metronome.file_column() }} and load_id = _dlt_load_id
    )
{%- endmacro %}

{#
  Replaces dbt-spark's macro, which updates a row where the key is equal. A key can have more than one row, as that of
  an event that was sent again after 34 days. So this does what `delete+insert` does on DuckDB: it deletes all rows of
  the keys that were read, and of replaced files, and inserts the rows that were read. It is one statement, so no kill
  leaves a part of it. Rows may match twice, because nothing but a `delete` without a condition follows.
#}
{% macro spark__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='quoted') | list -%}
    {%- set names = columns | join(', ') -%}
    merge into {{ target }} as stored
    using (
        select {{ names }}, explode(array(true, false)) as is_old
        from {{ source }}
        union all
        select {{ names }}, true as is_old
        from ({{ metronome.spark_replaced_rows(builtins.source(*model.sources[0])) }})
    ) as changed
    on changed.is_old
        {%- for column in unique_key %}
        and stored.{{ column }} <=> changed.{{ column }}
        {%- endfor %}
    when matched then delete
    when not matched and not changed.is_old then
        insert ({{ names }})
        values (changed.{{ columns | join(', changed.') }})
{%- endmacro %}

{% macro spark__key_hash(key) -%}
    xxhash64({{ key | join(', ') }})
{%- endmacro %}

{# The names of the columns are in it: a hash of values alone leaves out nulls. #}
{% macro spark__content_hash() -%}
    xxhash64(to_json(struct(*{{ ' except (_dlt_load_id)' if metronome.export_has_files() }})))
{%- endmacro %}

{# money.sql #}

{% macro spark__exact_cast(number, type) -%}
    case when {{ number }} is not null then {{ metronome.spark_or_error('cast(' ~ number ~ ' as ' ~ type ~ ')', type) }} end
{%- endmacro %}

{% macro spark__exact_sum(number, type, over) -%}
    {%- set window = ' over ' ~ over if over else '' -%}
    case
        when count({{ number }}){{ window }} > 0
            then {{ metronome.spark_or_error('cast(sum(' ~ number ~ ')' ~ window ~ ' as ' ~ type ~ ')', type) }}
    end
{%- endmacro %}

{% macro spark_or_error(number, type) -%}
    coalesce({{ number }}, raise_error('A number or a sum does not fit in {{ type }}.'))
{%- endmacro %}

{% macro spark__short_quantity(quantity) -%}
    case
        when {{ quantity }} = try_cast({{ quantity }} as decimal(28, 14)) then try_cast({{ quantity }} as decimal(28, 14))
    end
{%- endmacro %}

{#
  Spark rounds a product of more than 38 digits, which DuckDB does not make. So the price times the whole part of the
  quantity, and times the rest of it, are each compared by themselves.
#}
{% macro spark__exact_unit_price(rough_price, short_quantity, amount) -%}
    {%- set price = metronome.guessed_price(rough_price) -%}
    {%- set whole = 'cast(' ~ short_quantity ~ ' as bigint)' -%}
    {%- set rest = 'cast(' ~ short_quantity ~ ' - cast(' ~ whole ~ ' as decimal(14, 0)) as decimal(14, 14))' -%}
    {%- set of_whole = 'try_cast(' ~ price ~ ' * cast(' ~ whole ~ ' as decimal(14, 0)) as decimal(28, 10))' -%}
    case
        when try_cast(try_cast({{ amount }} as decimal(32, 18)) - {{ of_whole }} as decimal(38, 24)) = {{ price }} * {{ rest }}
            then cast({{ price }} as decimal(38, 18))
    end
{%- endmacro %}

{% macro spark__text_to_quantity(column) -%}
    try_cast({{ column }} as {{ metronome.quantity_type() }})
{%- endmacro %}

{# run_hooks.sql #}

{% macro spark__database_file() -%}
    {{ return(run_query('set spark.sql.warehouse.dir').columns[1].values()[0]) }}
{%- endmacro %}

{% macro spark__how_to_load() -%}
    {{ return('Run `make spark-reports`, or `python -m pipelines.spark land`.') }}
{%- endmacro %}

{# text.sql #}

{% macro spark__joined_texts(column) -%}
    case when count({{ column }}) > 0 then array_join(array_sort(collect_set({{ column }})), '; ') end
{%- endmacro %}

{% macro spark__matches(column, pattern) -%}
    {{ column }} rlike {{ metronome.as_sql_text(pattern) }}
{%- endmacro %}

{% macro spark__is_ascii(column) -%}
    {{ metronome.matches(column, '^[ -~]*\\z') }}
{%- endmacro %}

{# time.sql #}

{% macro spark__instant_type() -%} timestamp {%- endmacro %}

{% macro spark__month_text(day) -%}
    date_format({{ day }}, 'yyyy-MM')
{%- endmacro %}

{# Spark also takes `2024` and `12:30` for instants. #}
{% macro spark__text_to_instant(column) -%}
    case
        when {{ metronome.matches(column, '^ *[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') }} then try_cast({{ column }} as timestamp)
    end
{%- endmacro %}

{# unit_test_rows.sql #}

{% macro spark__get_fixture_sql(rows, column_name_to_data_types) -%}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(this) -%}
        {%- do types.update({column.name | lower: column.data_type}) -%}
    {%- endfor -%}
    {%- if not rows or not types -%}
        {{ return(dbt.get_fixture_sql(rows, column_name_to_data_types)) }}
    {%- endif -%}
    select *
    from values
    {%- for row in rows %}
        {%- set given = format_row(row, types) %}
        (
        {%- for column, type in types.items() -%}
            {{ given[column] if column in given else dbt.cast('null', type) }}{{ ', ' if not loop.last }}
        {%- endfor -%}
        )
        {{- ',' if not loop.last }}
    {%- endfor %}
        as fixture ({{ types | join(', ') }})
{%- endmacro %}

{# usage.sql #}

{% macro spark__letters_and_digits(column) -%}
    regexp_replace(lower({{ column }}), '[^a-z0-9]', '')
{%- endmacro %}

{% macro spark__is_in_sample(key, rows, size) -%}
    pmod(xxhash64({{ key }}), greatest({{ rows }} div {{ size }}, 1)) = 0
{%- endmacro %}

{% macro spark__stretch_of_30_days(instant) -%}
    unix_micros({{ instant }}) div (30 * 86400000000)
{%- endmacro %}

{# A sequence runs backwards where its end is before its start: such a period has its first stretch alone. #}
{% macro spark__unnest_stretches(relation, start, end) -%}
    {%- set first = metronome.stretch_of_30_days(start) -%}
    select
        *,
        explode(sequence({{ first }}, greatest({{ first }}, {{ metronome.stretch_of_30_days(end) }}))) as stretch
    from {{ relation }}
{%- endmacro %}

{# write_csv.sql #}

{# The rows come to the driver and are written there. #}
{% macro spark__write_csv() -%}
    {%- do run_query(metronome.csv_rows()).to_csv(report_path(this.identifier), lineterminator='\r\n') -%}
{%- endmacro %}

{# Spark casts a small decimal to `1.5E-7`. `to_char` writes all digits. #}
{% macro spark__plain_number(column, type) -%}
    {%- set precision, scale = modules.re.findall('[0-9]+', type) -%}
    {%- set picture = '9' * (precision | int - scale | int - 1) ~ '0.' ~ '9' * (scale | int) -%}
    concat(
        case when {{ column }} < 0 then '-' else '' end,
        trim(trailing '.' from trim(trailing '0' from trim(to_char(abs({{ column }}), '{{ picture }}'))))
    )
{%- endmacro %}

{% macro spark__instant_text(column) -%}
    concat(
        date_format({{ column }}, "yyyy-MM-dd'T'HH:mm:ss"),
        trim(trailing '.' from trim(trailing '0' from date_format({{ column }}, '.SSSSSS'))),
        'Z'
    )
{%- endmacro %}
