-- One row per usage event received, billed or not. A view: an alias that a customer is given later says
-- whose the events before it were, and a copy of all events would cost as much as staging. A table on Spark, whose
-- tables the pages read as files.
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
