-- One row per customer with an enabled alert in alarm, with the number and the names of these alerts.
select
    customer_id,
    count(*) as alerts_in_alarm,
    {{ joined_texts('alert_name') }} as alert_names_in_alarm
from {{ ref('int_customer_alerts_combined') }}
where customer_status = 'IN_ALARM' and alert_status = 'ENABLED'
group by customer_id
