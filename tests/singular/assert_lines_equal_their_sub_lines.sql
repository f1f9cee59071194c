-- Fails for each line of the API or of the export with sub lines whose total is not their sum.
select
    source,
    invoice_id,
    line_id,
    line_amount,
    sub_lines_amount,
    difference_amount
from {{ ref('int_reconciliation_sub_lines_summed') }}
where difference_amount <> 0
