-- Fails for each usage event outside the years 2000 to 2100. No invoice period would contain it.
select
    environment_type,
    transaction_id,
    sent_customer_id,
    event_at
from {{ ref('stg_metronome_export__events') }}
where not ({{ is_possible_time('event_at') }})
