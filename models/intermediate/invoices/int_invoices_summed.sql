-- One row per invoice with lines: its gross usage and applied credit. Gross usage minus applied credit is the total.
select
    invoice_id,
    {{ sum_amounts('case when amount > 0 then amount else 0 end') }} as gross_usage_amount,
    -{{ sum_amounts('case when amount < 0 then amount else 0 end') }} as applied_credit_amount
from {{ ref('int_invoice_lines_combined') }}
where is_in_invoice_total
group by invoice_id
