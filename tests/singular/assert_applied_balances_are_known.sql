-- Fails for each line that a commit or credit pays, of which no list of balances says whether it was bought:
-- its revenue is not recognized. It warns: the balances may not be loaded.
{{ config(severity='warn') }}

select
    invoice_id,
    balance_id,
    pricing_unit,
    amount
from {{ ref('int_revenue_lines_unioned') }}
where
    line_kind = 'applied_commit_or_credit'
    and balance_id is not null
    and balance_type is null
