-- Fails for each line that a commit or credit pays if no list of balances has the commit or credit. It is then
-- unknown whether it was bought, and the line is not recognized as revenue. Severity is warn because the balances
-- might not be loaded.
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
