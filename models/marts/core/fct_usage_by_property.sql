-- One row per environment and value of the requested property, with the events of the requested type. Both days are
-- included.
select
    environment_type,
    event_type,
    property_name,
    property_value,
    cast(sum(events) as bigint) as events,
    {{ sum_quantities('quantity') }} as quantity
from {{ ref('fct_usage_by_property_daily') }}
group by environment_type, event_type, property_name, property_value
