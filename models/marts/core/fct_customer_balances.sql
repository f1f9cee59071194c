-- One row per customer and pricing unit in which it has an invoice or credit: what the customer owes and how much
-- credit is left at the as-of instant. A customer without either has one row without a pricing unit.
with

customers as (
    select * from {{ ref('dim_customers') }}
),

availability as (
    select * from {{ ref('int_data_availability') }}
),

invoiced as (
    select * from {{ ref('int_customers_invoiced') }}
),

credit as (
    select * from {{ ref('int_customers_credit') }}
),

units as (
    select
        customer_id,
        pricing_unit
    from invoiced
    union
    select
        customer_id,
        pricing_unit
    from credit
),

customer_units as (
    select
        customers.*,
        units.pricing_unit,
        coalesce(availability.has_invoices, false) as are_invoices_known,
        -- Invoices are joined by this id. It is null if the customer's invoices are not known, so that none are found.
        -- `and customer_units.are_invoices_known` in these joins does the same, but makes them slow in DuckDB.
        case when availability.has_invoices then customers.customer_id end as invoiced_customer_id,
        coalesce(availability.has_balances, false) as is_contract_balance_known,
        coalesce(availability.has_credit_grants, false) as is_grant_balance_known,
        coalesce(availability.has_balances and availability.has_credit_grants, false) as is_credit_known,
        coalesce(availability.has_daily_breakdowns, false) as are_days_known,
        coalesce(availability.has_alerts, false) as are_alerts_known
    from customers
    left join units on customers.customer_id = units.customer_id
    left join availability on customers.customer_id = availability.customer_id
),

current_invoices as (
    select * from {{ ref('int_customers_current_invoices') }}
),

month_to_date as (
    select * from {{ ref('int_customers_month_to_date') }}
),

burned as (
    select * from {{ ref('int_customers_burned') }}
),

plans_and_contracts as (
    select * from {{ ref('int_customers_plans_and_contracts') }}
),

alarmed as (
    select * from {{ ref('int_customers_alerts') }}
)

select
    customer_units.customer_id,
    customer_units.customer_name,
    customer_units.environment_type,
    customer_units.pricing_unit,

    -- current invoice
    {{ known_count('current_invoices.current_invoices', 'customer_units.are_invoices_known') }} as current_invoices,
    current_invoices.current_invoice_id,
    current_invoices.current_invoice_status,
    current_invoices.current_invoice_is_fallback,
    current_invoices.billing_period_start_at,
    current_invoices.billing_period_end_at,
    current_invoices.invoice_balance_amount,
    current_invoices.gross_usage_amount,
    current_invoices.applied_credit_amount,
    invoiced.grace_invoice_id,
    invoiced.grace_invoice_amount,

    -- credit
    {{ known_amount('credit.balance_amount', 'customer_units.is_credit_known') }} as credit_balance_amount,
    {{ known_amount('credit.balance_excluding_pending_amount', 'customer_units.is_credit_known') }}
        as credit_balance_excluding_pending_amount,
    {{ known_amount('credit.contract_balance_amount', 'customer_units.is_contract_balance_known') }}
        as contract_balance_amount,
    {{ known_amount('credit.grant_balance_amount', 'customer_units.is_grant_balance_known') }}
        as grant_balance_amount,
    {{ known_amount('credit.expiring_30d_amount', 'customer_units.is_credit_known') }} as credit_expiring_30d_amount,
    case when customer_units.is_credit_known then credit.next_expiry_at end as next_credit_expiry_at,
    {{ known_amount('burned.burned_30d_amount', 'customer_units.are_days_known') }} as credit_burned_30d_amount,
    case
        when customer_units.is_credit_known and customer_units.are_days_known
            then {{ days_left('coalesce(credit.balance_amount, 0)', 'burned.burned_30d_amount') }}
    end as credit_days_left,

    -- plan and contract
    coalesce(plans_and_contracts.plan_name, current_invoices.plan_name) as plan_name,
    plans_and_contracts.contract_name,
    plans_and_contracts.billing_frequency,
    plans_and_contracts.contract_ends_at,
    cast(
        {{ dbt.datediff(as_of_date(), 'plans_and_contracts.contract_ends_at', 'day') }}
        as integer
    ) as contract_days_left,
    plans_and_contracts.renewed_by as contract_renewed_by,

    -- newest finalized invoice
    invoiced.last_finalized_invoice_id,
    invoiced.last_finalized_at,
    invoiced.last_finalized_amount,
    invoiced.last_finalized_external_status,

    -- outstanding, void and unbillable invoices
    {{ known_count('invoiced.outstanding_invoices', 'customer_units.are_invoices_known') }} as outstanding_invoices,
    {{ known_count('invoiced.unconfirmed_invoices', 'customer_units.are_invoices_known') }} as unconfirmed_invoices,
    {{ known_count('invoiced.failed_invoices', 'customer_units.are_invoices_known') }} as failed_invoices,
    invoiced.billing_provider_error,
    {{ known_amount('invoiced.outstanding_amount', 'customer_units.are_invoices_known') }} as outstanding_amount,
    -- null if the due date of an outstanding invoice is unknown
    case
        when invoiced.customer_id is not null then invoiced.overdue_amount
        when customer_units.are_invoices_known then 0
    end as overdue_amount,
    invoiced.oldest_due_at,
    {{ known_count('invoiced.void_invoices', 'customer_units.are_invoices_known') }} as void_invoices,
    {{ known_amount('invoiced.void_amount', 'customer_units.are_invoices_known') }} as void_amount,
    {{ known_count('invoiced.unbillable_invoices', 'customer_units.are_invoices_known') }} as unbillable_invoices,
    {{ known_amount('invoiced.unbillable_amount', 'customer_units.are_invoices_known') }} as unbillable_amount,

    -- last months
    {{ known_amount('invoiced.billed_last_month_amount', 'customer_units.are_invoices_known') }}
        as billed_last_month_amount,
    {{ known_amount('invoiced.billed_month_before_amount', 'customer_units.are_invoices_known') }}
        as billed_month_before_amount,
    {{ known_amount('month_to_date.month_to_date_amount', 'customer_units.are_days_known') }} as month_to_date_amount,
    {{ known_amount('month_to_date.last_month_to_same_day_amount', 'customer_units.are_days_known') }}
        as last_month_to_same_day_amount,

    -- alerts, and the account in other systems
    {{ known_count('alarmed.alerts_in_alarm', 'customer_units.are_alerts_known') }} as alerts_in_alarm,
    case when customer_units.are_alerts_known then alarmed.alert_names_in_alarm end as alert_names_in_alarm,
    customer_units.billing_provider_customer_id,
    customer_units.archived_at,
    {{ as_of() }} as as_of
from customer_units
left join current_invoices
    on
        customer_units.invoiced_customer_id = current_invoices.customer_id
        and customer_units.pricing_unit = current_invoices.pricing_unit
left join invoiced
    on
        customer_units.invoiced_customer_id = invoiced.customer_id
        and customer_units.pricing_unit = invoiced.pricing_unit
left join month_to_date
    on
        customer_units.customer_id = month_to_date.customer_id
        and customer_units.pricing_unit = month_to_date.pricing_unit
left join credit
    on
        customer_units.customer_id = credit.customer_id
        and customer_units.pricing_unit = credit.pricing_unit
left join burned
    on
        customer_units.customer_id = burned.customer_id
        and customer_units.pricing_unit = burned.pricing_unit
left join plans_and_contracts on customer_units.customer_id = plans_and_contracts.customer_id
left join alarmed on customer_units.customer_id = alarmed.customer_id
