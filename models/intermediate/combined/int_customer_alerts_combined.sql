-- One row per customer and alert of either source. The API, which is live, takes precedence. The export has the state
-- changes of an alert, and the newest one at or before the as-of instant counts.
with

from_api as (
    select * from {{ ref('stg_metronome_api__customer_alerts') }}
),

alerts as (
    select * from {{ ref('stg_metronome_export__alerts') }}
),

changes as (
    select
        *,
        row_number() over (
            partition by customer_id, alert_id
            order by created_at desc, alert_change_id desc
        ) as recency
    from {{ ref('stg_metronome_export__customer_alert_history') }}
    where created_at <= {{ as_of() }}
)

select
    customer_id,
    alert_id,
    alert_name,
    alert_status,
    customer_status
from from_api
union all
select
    changes.customer_id,
    changes.alert_id,
    alerts.alert_name,
    case
        when alerts.archived_at <= {{ as_of() }} then 'ARCHIVED'
        when alerts.disabled_at <= {{ as_of() }} then 'DISABLED'
        else 'ENABLED'
    end as alert_status,
    changes.alert_status as customer_status
from changes
inner join alerts on changes.alert_id = alerts.alert_id
left join from_api
    on
        changes.customer_id = from_api.customer_id
        and changes.alert_id = from_api.alert_id
where changes.recency = 1 and from_api.alert_id is null
