-- One row per customer that has enabled alerts in alarm.
select
    customer_id,
    count(*) as alerts_in_alarm,
    {{ joined_texts('alert_name') }} as alert_names
from {{ ref('int_customer_alerts_united') }}
where customer_status = 'IN_ALARM' and alert_status = 'ENABLED'
group by customer_id
