-- One row per customer and pricing unit with daily breakdowns: gross usage on the whole days of this month before the
-- as-of instant, and on the same day numbers of last month.
with

days as (
    select
        *,
        breakdown_date >= {{ first_of_month(as_of()) }} as is_of_this_month,
        extract(day from breakdown_date) < extract(day from {{ as_of_date() }}) as is_before_same_day
    from {{ ref('int_invoice_breakdowns_daily_summed') }}
    where
        {{ is_usage('invoice_type') }}
        and breakdown_date >= {{ first_of_month(as_of(), -1) }}
        and breakdown_date < {{ as_of_date() }}
)

select
    customer_id,
    pricing_unit,
    {{ sum_amounts('case when is_of_this_month then gross_usage_amount else 0 end') }}
        as month_to_date_amount,
    {{ sum_amounts('case when not is_of_this_month and is_before_same_day then gross_usage_amount else 0 end') }}
        as last_month_to_same_day_amount
from days
group by customer_id, pricing_unit
