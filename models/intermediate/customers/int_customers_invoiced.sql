-- One row per customer and pricing unit with an invoice, with the billed and outstanding amounts and the grace, void
-- and unbillable invoices at the as-of instant. Constituents are excluded.
with

invoices as (
    select
        *,
        issued_at <= {{ as_of() }} as is_issued,
        is_included_in_totals
        and invoice_status = 'DRAFT'
        and {{ is_usage('invoice_type') }}
        and period_end_at <= {{ as_of() }} as is_in_grace
    from {{ ref('int_invoices_classified') }}
    where not is_constituent
),

selected as (
    select
        *,
        case when is_outstanding then invoice_id end as outstanding_invoice_id,
        case when invoice_status = 'VOID' and is_issued then invoice_id end as void_invoice_id,
        case when is_unbillable and invoice_status = 'FINALIZED' and is_issued then invoice_id end
            as unbillable_invoice_id,
        case when is_in_grace then invoice_id end as grace_invoice_id,
        is_outstanding and due_at < {{ as_of() }} as is_overdue,
        -- the last complete month at the as-of instant, and the month before it
        is_billed and billing_month = {{ first_of_month(as_of(), -1) }} as is_billed_last_month,
        is_billed and billing_month = {{ first_of_month(as_of(), -2) }} as is_billed_month_before,
        -- the latest by the end of its period, then by its issue
        row_number() over (
            partition by customer_id, pricing_unit, is_billed and is_issued
            order by period_end_at desc nulls last, issued_at desc nulls last, invoice_id asc
        ) = 1
        and is_billed and is_issued as is_last_finalized
    from invoices
)

select
    customer_id,
    pricing_unit,

    max(case when is_last_finalized then invoice_id end) as last_finalized_invoice_id,
    max(case when is_last_finalized then issued_at end) as last_finalized_at,
    max(case when is_last_finalized then total_amount end) as last_finalized_amount,
    max(case when is_last_finalized then external_status end) as last_finalized_external_status,

    {{ sum_amounts('case when is_billed_last_month then total_amount else 0 end') }} as billed_last_month_amount,
    {{ sum_amounts('case when is_billed_month_before then total_amount else 0 end') }} as billed_month_before_amount,

    count(outstanding_invoice_id) as outstanding_invoices,
    count(case when not is_payment_status_known then outstanding_invoice_id end) as unconfirmed_invoices,
    count(case when is_payment_failed then outstanding_invoice_id end) as failed_invoices,
    {{ joined_texts('case when outstanding_invoice_id is not null then billing_provider_error end') }}
        as billing_provider_error,
    {{ sum_amounts('case when outstanding_invoice_id is not null then total_amount else 0 end') }}
        as outstanding_amount,
    -- null if the due date of an outstanding invoice is not known
    case
        when count(case when due_at is null then outstanding_invoice_id end) = 0
            then {{ sum_amounts('case when is_overdue then total_amount else 0 end') }}
    end as overdue_amount,
    min(case when outstanding_invoice_id is not null then due_at end) as oldest_due_at,

    -- drafts whose period has ended and that are not finalized, while the draft of the next period is open
    {{ joined_texts('grace_invoice_id') }} as grace_invoice_id,
    {{ sum_amounts('case when is_in_grace then total_amount end') }} as grace_invoice_amount,

    count(void_invoice_id) as void_invoices,
    {{ sum_amounts('case when void_invoice_id is not null then total_amount else 0 end') }}
        as void_amount,
    count(unbillable_invoice_id) as unbillable_invoices,
    {{ sum_amounts('case when unbillable_invoice_id is not null then total_amount else 0 end') }}
        as unbillable_amount
from selected
group by customer_id, pricing_unit
