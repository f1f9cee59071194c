-- Fails for each usage event outside this century: no invoice's period would hold it.
select
    environment_type,
    transaction_id,
    sent_customer_id,
    event_at
from {{ ref('stg_metronome_export__events') }}
where not ({{ is_possible_time('event_at') }})
