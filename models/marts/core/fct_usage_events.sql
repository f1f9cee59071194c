-- One row per usage event that Metronome received, billed or not. It is a view, because an alias that a customer gets
-- later also identifies earlier events, and a copy of all events would cost as much as staging. On Spark it is a table,
-- because the pages read Spark's tables as files.
{{ config(materialized='table' if target.type == 'spark' else 'view') }}

with

events as (
    select * from {{ ref('stg_metronome_export__events') }}
),

identified as (
    select * from {{ ref('int_customer_identifiers') }}
)

select
    events.transaction_id,
    events.environment_type,
    identified.customer_id,
    events.sent_customer_id,
    events.event_type,
    events.event_at,
    cast(events.event_at as date) as event_date,
    events.properties
from events
left join identified
    on
        events.environment_type = identified.environment_type
        and events.sent_customer_id = identified.identifier
