-- Fails for each line that applies a commit or credit that no list of balances has. It is then unknown whether the
-- customer bought it, and it reduces revenue like a free credit. Severity is warn because the balances might not be
-- loaded.
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
