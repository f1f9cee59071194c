-- Warns for each sender of events that is neither a customer nor an ingest alias of one. Nobody is billed for its
-- usage.
{{ config(severity='warn') }}

select
    environment_type,
    sent_customer_id,
    count(*) as events
from {{ ref('fct_usage_events') }}
where
    customer_id is null
    and exists (select 1 from {{ ref('dim_customers') }})
group by environment_type, sent_customer_id
