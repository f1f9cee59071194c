-- One row per customer and pricing unit that it has an invoice or a credit in, and one without a unit
-- for a customer that has neither: who owes what, and what is left, at the as-of instant.
with

arguments as (
    select
        as_of,
        {{ first_of_month('as_of') }} as this_month,
        {{ first_of_month('as_of', -1) }} as last_month,
        {{ first_of_month('as_of', -2) }} as month_before
    from {{ ref('dim_report_arguments') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

invoices as (
    select
        invoices.*,
        arguments.as_of,
        arguments.last_month,
        arguments.month_before
    from {{ ref('fct_invoices') }} as invoices
    cross join arguments
    where invoices.is_counted
),

credits as (
    select * from {{ ref('fct_credit_balances') }}
    where is_spendable
),

agreements as (
    select * from {{ ref('int_customers_agreements') }}
),

current_sums as (
    select
        current_invoices.customer_id,
        current_invoices.pricing_unit,
        cast(count(*) as integer) as current_invoices,
        {{ joined_texts('current_invoices.invoice_id') }} as current_invoice_id,
        {{ joined_texts('current_invoices.invoice_status') }} as current_invoice_status,
        bool_or(current_invoices.is_fallback) as current_invoice_is_fallback,
        min(current_invoices.period_start_at) as billing_period_start_at,
        max(current_invoices.period_end_at) as billing_period_end_at,
        {{ joined_texts('current_invoices.plan_name') }} as invoiced_plan_name,
        sum(invoices.total_amount) as invoice_balance_amount,
        sum(invoices.gross_usage_amount) as gross_usage_amount,
        sum(invoices.applied_credit_amount) as applied_credit_amount
    from {{ ref('int_invoices_current') }} as current_invoices
    inner join invoices on current_invoices.invoice_id = invoices.invoice_id
    group by current_invoices.customer_id, current_invoices.pricing_unit
),

-- a draft whose period is over and that is not yet finalized
grace_sums as (
    select
        customer_id,
        pricing_unit,
        {{ joined_texts('invoice_id') }} as grace_invoice_id,
        sum(total_amount) as grace_invoice_amount
    from invoices
    where invoice_status = 'DRAFT' and {{ is_usage('invoice_type') }} and period_end_at <= as_of
    group by customer_id, pricing_unit
),

billed_sums as (
    select
        customer_id,
        pricing_unit,
        sum(case when billing_month = last_month then total_amount else 0 end)
            as billed_last_month_amount,
        sum(case when billing_month = month_before then total_amount else 0 end)
            as billed_month_before_amount,
        sum(case when billing_month = last_month then applied_credit_amount else 0 end)
            as applied_credit_last_month_amount
    from invoices
    where is_billed
    group by customer_id, pricing_unit
),

outstanding_sums as (
    select
        customer_id,
        pricing_unit,
        cast(count(*) as integer) as outstanding_invoices,
        cast(sum(case when is_payment_status_known then 0 else 1 end) as integer)
            as unconfirmed_invoices,
        cast(sum(case when is_payment_failed then 1 else 0 end) as integer) as failed_invoices,
        sum(total_amount) as outstanding_amount,
        sum(case when due_at < as_of then total_amount else 0 end) as overdue_amount,
        bool_or(due_at is null) as is_a_due_date_unknown,
        min(due_at) as oldest_due_at
    from invoices
    where is_outstanding and issued_at <= as_of
    group by customer_id, pricing_unit
),

finalized as (
    select
        *,
        row_number() over (
            partition by customer_id, pricing_unit
            order by period_end_at desc nulls last, issued_at desc nulls last, invoice_id asc
        ) as recency
    from invoices
    where is_billed and issued_at <= as_of
),

credit_sums as (
    select
        customer_id,
        pricing_unit,
        sum(balance_amount) as credit_balance_amount,
        sum(balance_excluding_pending_amount) as credit_balance_excluding_pending_amount,
        sum(expiring_30d_amount) as credit_expiring_30d_amount,
        min(case when balance_amount > 0 then next_expiry_at end) as next_credit_expiry_at
    from credits
    group by customer_id, pricing_unit
),

units as (
    select
        customer_id,
        pricing_unit
    from invoices
    union
    select
        customer_id,
        pricing_unit
    from credits
)

select
    customers.customer_id,
    customers.customer_name,
    customers.environment_type,
    units.pricing_unit,
    coalesce(current_sums.current_invoices, 0) as current_invoices,
    current_sums.current_invoice_id,
    current_sums.current_invoice_status,
    current_sums.current_invoice_is_fallback,
    current_sums.billing_period_start_at,
    current_sums.billing_period_end_at,
    cast(current_sums.invoice_balance_amount as {{ amount_type() }}) as invoice_balance_amount,
    cast(current_sums.gross_usage_amount as {{ amount_type() }}) as gross_usage_amount,
    cast(current_sums.applied_credit_amount as {{ amount_type() }}) as applied_credit_amount,
    grace_sums.grace_invoice_id,
    cast(grace_sums.grace_invoice_amount as {{ amount_type() }}) as grace_invoice_amount,
    -- the API was asked for the credit of every customer that it listed: none is zero there
    cast(
        case when customers.is_in_api then coalesce(credit_sums.credit_balance_amount, 0) end
        as {{ amount_type() }}
    ) as credit_balance_amount,
    cast(
        case
            when customers.is_in_api
                then coalesce(credit_sums.credit_balance_excluding_pending_amount, 0)
        end as {{ amount_type() }}
    ) as credit_balance_excluding_pending_amount,
    cast(
        case when customers.is_in_api then coalesce(credit_sums.credit_expiring_30d_amount, 0) end
        as {{ amount_type() }}
    ) as credit_expiring_30d_amount,
    credit_sums.next_credit_expiry_at,
    coalesce(agreements.plan_name, current_sums.invoiced_plan_name) as plan_name,
    agreements.contract_name,
    finalized.invoice_id as last_finalized_invoice_id,
    finalized.issued_at as last_finalized_at,
    cast(finalized.total_amount as {{ amount_type() }}) as last_finalized_amount,
    coalesce(outstanding_sums.outstanding_invoices, 0) as outstanding_invoices,
    coalesce(outstanding_sums.unconfirmed_invoices, 0) as unconfirmed_invoices,
    coalesce(outstanding_sums.failed_invoices, 0) as failed_invoices,
    cast(coalesce(outstanding_sums.outstanding_amount, 0) as {{ amount_type() }})
        as outstanding_amount,
    cast(
        case
            when coalesce(outstanding_sums.is_a_due_date_unknown, false) then null
            else coalesce(outstanding_sums.overdue_amount, 0)
        end as {{ amount_type() }}
    ) as overdue_amount,
    outstanding_sums.oldest_due_at,
    cast(coalesce(billed_sums.billed_last_month_amount, 0) as {{ amount_type() }})
        as billed_last_month_amount,
    cast(coalesce(billed_sums.billed_month_before_amount, 0) as {{ amount_type() }})
        as billed_month_before_amount,
    cast(
        case
            when customers.is_in_api and billed_sums.applied_credit_last_month_amount > 0
                -- days, no money: the double of a division will do, once it is rid of its noise
                then floor(round(
                    {{ days_between('arguments.last_month', 'arguments.this_month') }}
                    * coalesce(credit_sums.credit_balance_amount, 0)
                    / billed_sums.applied_credit_last_month_amount,
                    6
                ))
        end as bigint
    ) as credit_days_left,
    customers.archived_at,
    arguments.as_of
from customers
cross join arguments
left join units on customers.customer_id = units.customer_id
left join current_sums
    on
        customers.customer_id = current_sums.customer_id
        and units.pricing_unit = current_sums.pricing_unit
left join grace_sums
    on
        customers.customer_id = grace_sums.customer_id
        and units.pricing_unit = grace_sums.pricing_unit
left join billed_sums
    on
        customers.customer_id = billed_sums.customer_id
        and units.pricing_unit = billed_sums.pricing_unit
left join outstanding_sums
    on
        customers.customer_id = outstanding_sums.customer_id
        and units.pricing_unit = outstanding_sums.pricing_unit
left join finalized
    on
        customers.customer_id = finalized.customer_id
        and units.pricing_unit = finalized.pricing_unit
        and finalized.recency = 1
left join credit_sums
    on
        customers.customer_id = credit_sums.customer_id
        and units.pricing_unit = credit_sums.pricing_unit
left join agreements on customers.customer_id = agreements.customer_id
