-- One row per customer and pricing unit that it has an invoice or a credit in, and one without a unit
-- for a customer that has neither: who owes what, and what is left, at the as-of instant.
with

customers as (
    select * from {{ ref('dim_customers') }}
),

facts as (
    select * from {{ ref('int_facts_known') }}
),

units as (
    select
        customer_id,
        pricing_unit
    from {{ ref('int_invoices_classified') }}
    where not is_constituent
    union
    select
        customer_id,
        pricing_unit
    from {{ ref('int_customers_credit') }}
),

balances as (
    select
        customers.*,
        units.pricing_unit,
        coalesce(facts.are_invoices_known, false) as are_invoices_known,
        -- where invoices are not known it is null and joins none; DuckDB is slow at a condition beside the keys
        case when facts.are_invoices_known then customers.customer_id end as invoiced_customer_id,
        coalesce(facts.are_balances_known, false) as is_contract_balance_known,
        coalesce(facts.are_credit_grants_known, false) as is_grant_balance_known,
        coalesce(facts.are_balances_known and facts.are_credit_grants_known, false) as is_credit_known,
        coalesce(facts.are_daily_breakdowns_known, false) as are_days_known,
        coalesce(facts.are_alerts_known, false) as are_alerts_known
    from customers
    left join units on customers.customer_id = units.customer_id
    left join facts on customers.customer_id = facts.customer_id
),

current_invoices as (
    select * from {{ ref('int_customers_current_invoices') }}
),

grace_invoices as (
    select * from {{ ref('int_customers_grace_invoices') }}
),

void_invoices as (
    select * from {{ ref('int_customers_void_invoices') }}
),

unbillable_invoices as (
    select * from {{ ref('int_customers_unbillable_invoices') }}
),

last_finalized as (
    select * from {{ ref('int_customers_last_finalized') }}
),

outstanding as (
    select * from {{ ref('int_customers_outstanding') }}
),

billed_months as (
    select * from {{ ref('int_customers_billed_months') }}
),

month_to_date as (
    select * from {{ ref('int_customers_month_to_date') }}
),

credit as (
    select * from {{ ref('int_customers_credit') }}
),

burned as (
    select
        customer_id,
        pricing_unit,
        sum(burned_30d_amount) as burned_30d_amount
    from {{ ref('int_credits_burned') }}
    group by customer_id, pricing_unit
),

agreements as (
    select * from {{ ref('int_customers_agreements') }}
),

alarmed as (
    select * from {{ ref('int_customers_alarmed') }}
)

select
    balances.customer_id,
    balances.customer_name,
    balances.environment_type,
    balances.pricing_unit,

    {{ known_count('current_invoices.current_invoices', 'balances.are_invoices_known') }} as current_invoices,
    current_invoices.current_invoice_id,
    current_invoices.current_invoice_status,
    current_invoices.current_invoice_is_fallback,
    current_invoices.billing_period_start_at,
    current_invoices.billing_period_end_at,
    current_invoices.invoice_balance_amount,
    current_invoices.gross_usage_amount,
    current_invoices.applied_credit_amount,
    grace_invoices.grace_invoice_id,
    grace_invoices.grace_invoice_amount,

    {{ known_amount('credit.balance_amount', 'balances.is_credit_known') }} as credit_balance_amount,
    {{ known_amount('credit.balance_excluding_pending_amount', 'balances.is_credit_known') }}
        as credit_balance_excluding_pending_amount,
    {{ known_amount('credit.contract_balance_amount', 'balances.is_contract_balance_known') }}
        as contract_balance_amount,
    {{ known_amount('credit.grant_balance_amount', 'balances.is_grant_balance_known') }}
        as grant_balance_amount,
    {{ known_amount('credit.expiring_30d_amount', 'balances.is_credit_known') }} as credit_expiring_30d_amount,
    case when balances.is_credit_known then credit.next_expiry_at end as next_credit_expiry_at,
    {{ known_amount('burned.burned_30d_amount', 'balances.are_days_known') }} as credit_burned_30d_amount,
    case
        when balances.is_credit_known and balances.are_days_known
            then {{ days_left('coalesce(credit.balance_amount, 0)', 'burned.burned_30d_amount') }}
    end as credit_days_left,

    coalesce(agreements.plan_name, current_invoices.plan_name) as plan_name,
    agreements.contract_name,
    agreements.billing_frequency,
    agreements.contract_ends_at,
    cast({{ days_between(as_of_date(), 'cast(agreements.contract_ends_at as date)') }} as integer)
        as contract_days_left,
    agreements.renewed_by as contract_renewed_by,

    last_finalized.invoice_id as last_finalized_invoice_id,
    last_finalized.issued_at as last_finalized_at,
    last_finalized.total_amount as last_finalized_amount,
    last_finalized.external_status as last_finalized_external_status,
    {{ known_count('outstanding.outstanding_invoices', 'balances.are_invoices_known') }} as outstanding_invoices,
    {{ known_count('outstanding.unconfirmed_invoices', 'balances.are_invoices_known') }} as unconfirmed_invoices,
    {{ known_count('outstanding.failed_invoices', 'balances.are_invoices_known') }} as failed_invoices,
    outstanding.billing_provider_error,
    {{ known_amount('outstanding.outstanding_amount', 'balances.are_invoices_known') }} as outstanding_amount,
    -- what is outstanding without a known due date makes this unknown, too
    case
        when outstanding.customer_id is not null then outstanding.overdue_amount
        else {{ known_amount('null', 'balances.are_invoices_known') }}
    end as overdue_amount,
    outstanding.oldest_due_at,
    {{ known_count('void_invoices.void_invoices', 'balances.are_invoices_known') }} as void_invoices,
    {{ known_amount('void_invoices.void_amount', 'balances.are_invoices_known') }} as void_amount,
    {{ known_count('unbillable_invoices.unbillable_invoices', 'balances.are_invoices_known') }} as unbillable_invoices,
    {{ known_amount('unbillable_invoices.unbillable_amount', 'balances.are_invoices_known') }} as unbillable_amount,
    {{ known_amount('billed_months.billed_last_month_amount', 'balances.are_invoices_known') }}
        as billed_last_month_amount,
    {{ known_amount('billed_months.billed_month_before_amount', 'balances.are_invoices_known') }}
        as billed_month_before_amount,
    {{ known_amount('month_to_date.month_to_date_amount', 'balances.are_days_known') }} as month_to_date_amount,
    {{ known_amount('month_to_date.last_month_to_same_day_amount', 'balances.are_days_known') }}
        as last_month_to_same_day_amount,

    {{ known_count('alarmed.alerts_in_alarm', 'balances.are_alerts_known') }} as alerts_in_alarm,
    case when balances.are_alerts_known then alarmed.alert_names end as alert_names_in_alarm,
    balances.billing_provider_customer_id,
    balances.archived_at,
    {{ as_of() }} as as_of
from balances
left join current_invoices
    on
        balances.invoiced_customer_id = current_invoices.customer_id
        and balances.pricing_unit = current_invoices.pricing_unit
left join grace_invoices
    on
        balances.invoiced_customer_id = grace_invoices.customer_id
        and balances.pricing_unit = grace_invoices.pricing_unit
left join void_invoices
    on
        balances.invoiced_customer_id = void_invoices.customer_id
        and balances.pricing_unit = void_invoices.pricing_unit
left join unbillable_invoices
    on
        balances.invoiced_customer_id = unbillable_invoices.customer_id
        and balances.pricing_unit = unbillable_invoices.pricing_unit
left join last_finalized
    on
        balances.invoiced_customer_id = last_finalized.customer_id
        and balances.pricing_unit = last_finalized.pricing_unit
left join outstanding
    on
        balances.invoiced_customer_id = outstanding.customer_id
        and balances.pricing_unit = outstanding.pricing_unit
left join billed_months
    on
        balances.invoiced_customer_id = billed_months.customer_id
        and balances.pricing_unit = billed_months.pricing_unit
left join month_to_date
    on
        balances.customer_id = month_to_date.customer_id
        and balances.pricing_unit = month_to_date.pricing_unit
left join credit
    on
        balances.customer_id = credit.customer_id
        and balances.pricing_unit = credit.pricing_unit
left join burned
    on
        balances.customer_id = burned.customer_id
        and balances.pricing_unit = burned.pricing_unit
left join agreements on balances.customer_id = agreements.customer_id
left join alarmed on balances.customer_id = alarmed.customer_id
