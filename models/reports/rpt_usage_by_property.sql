-- One row per value of the requested property, with the events of the requested type. Both days are included.
select
    usage.event_type,
    usage.property_name,
    usage.property_value,
    arguments.usage_from_date as from_date,
    arguments.usage_to_date as to_date,
    usage.events,
    usage.quantity,
    usage.environment_type
from {{ ref('fct_usage_by_property') }} as usage
inner join {{ ref('report_parameters') }} as arguments
    on usage.environment_type is not distinct from arguments.environment_type
