-- One row per credit grant of the plans model, valued at the as-of instant.
with

credit_grants as (
    select
        *,
        effective_at <= {{ as_of() }} and {{ as_of() }} < expires_at as is_open
    from {{ ref('int_credit_grants_combined') }}
)

select
    credit_grant_id as balance_id,
    'CREDIT_GRANT' as balance_type,
    credit_grant_name as balance_name,
    customer_id,
    cast(null as string) as contract_id,
    source_pricing_unit,
    granted,
    case when is_open then balance_including_pending else 0 end as balance,
    case when is_open then balance_excluding_pending else 0 end as balance_excluding_pending,
    case
        when is_open and expires_at <= {{ dbt.dateadd('day', 30, as_of()) }} then balance_including_pending
        else 0
    end as expiring_30d,
    case when is_open then expires_at end as next_expiry_at,
    case when is_open then balance_including_pending end as next_expiring,
    -- once expired, a grant's balance is stated as 0: what was lost is not known
    case when expires_at > {{ as_of() }} then 0 end as expired
from credit_grants
