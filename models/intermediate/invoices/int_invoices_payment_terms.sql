-- One row per invoice: the days from its issue until it is due. The terms are those of the invoice, or else of its
-- contract, or else of the customer's plan. If one of these lists could not be read, the later ones are not used and
-- the terms are null.
with

invoices as (
    select * from {{ ref('int_invoices_combined') }}
),

availability as (
    select * from {{ ref('int_data_availability') }}
),

contracts as (
    select * from {{ ref('int_contracts_combined') }}
),

customer_plans as (
    select * from {{ ref('stg_metronome_api__customer_plans') }}
),

-- the terms of the plan that the customer is on when the period starts
plan_terms as (
    select
        invoices.invoice_id,
        max(customer_plans.net_payment_terms_days) as net_payment_terms_days
    from invoices
    inner join customer_plans
        on
            invoices.customer_id = customer_plans.customer_id
            and invoices.plan_id = customer_plans.plan_id
            and invoices.period_start_at >= customer_plans.starting_at
            and (
                invoices.period_start_at < customer_plans.ending_before
                or customer_plans.ending_before is null
            )
    group by invoices.invoice_id
),

stated as (
    select
        invoices.invoice_id,
        invoices.net_payment_terms_days as of_invoice,
        invoices.contract_id is null or coalesce(availability.has_contracts, false) as is_contract_known,
        contracts.net_payment_terms_days as of_contract,
        coalesce(availability.has_customer_plans, false) as is_plan_known,
        plan_terms.net_payment_terms_days as of_plan
    from invoices
    left join availability on invoices.customer_id = availability.customer_id
    left join contracts on invoices.contract_id = contracts.contract_id
    left join plan_terms on invoices.invoice_id = plan_terms.invoice_id
)

select
    invoice_id,
    case
        when of_invoice is not null then of_invoice
        when not is_contract_known then null
        when of_contract is not null then of_contract
        when is_plan_known then of_plan
    end as net_payment_terms_days
from stated
