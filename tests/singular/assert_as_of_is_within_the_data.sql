-- Warns if the as-of instant is outside the loaded data. It is outside if it is before the first period, event and
-- issue, or more than 35 days after the last of them and the last load. 35 days is a billing period and its grace.
-- Balances would be those of an account without a past, or of an account without new data.
{{ config(severity='warn') }}

with

instants as (
    select
        min(least(period_start_at, issued_at)) as first_at,
        -- a scheduled charge can be dated years ahead
        max(case when {{ is_usage('invoice_type') }} then greatest(period_end_at, issued_at) end) as last_at
    from {{ ref('int_invoices_combined') }}
    union all
    select
        min(event_at) as first_at,
        max(event_at) as last_at
    from {{ ref('stg_metronome_export__events') }}
    union all
    select
        null as first_at,
        max(transferred_at) as last_at
    from {{ ref('stg_metronome_export__loaded_files') }}
    union all
    select
        null as first_at,
        max(as_of) as last_at
    from {{ ref('stg_metronome_api__runs') }}
),

loaded as (
    select
        min(first_at) as first_at,
        max(last_at) as last_at
    from instants
)

select
    {{ as_of() }} as as_of,
    first_at,
    last_at
from loaded
where
    {{ as_of() }} < first_at
    or {{ as_of() }} > {{ dbt.dateadd('day', 35, 'last_at') }}
