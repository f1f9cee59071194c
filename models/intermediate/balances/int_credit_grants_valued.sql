-- One row per credit grant, with its balance at the as-of instant, in the source pricing unit.
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
    -- the stated balance of an expired grant is 0, so the expired amount is unknown
    case when expires_at > {{ as_of() }} then 0 end as expired
from credit_grants
